// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/identity/oauth.h"
#include "services/identity/tokens.h"

// What clients read before they ask for a token. Anonymous, and the same for everybody.
namespace lazuli::identity {

struct DiscoveryParts {
  const core::Installation& installation;
  const Tokens& tokens;
  const KeyRing& keys;
};

// OpenID Connect discovery: /{tenant}/v2.0/…, /{tenant}/… (v1) and /adfs/….
Answer get_configuration(const DiscoveryParts& parts, Context& context);
Answer get_keys(const DiscoveryParts& parts, Context& context);
// Which authorities there are: this one.
Answer get_instance_discovery(const DiscoveryParts& parts, Context& context);
// Whether a user name belongs to this directory ("Managed").
Answer get_user_realm(const DiscoveryParts& parts, Context& context);

}  // namespace lazuli::identity
