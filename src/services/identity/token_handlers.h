// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/context.h"
#include "core/service.h"
#include "services/identity/store.h"
#include "services/identity/tokens.h"

namespace lazuli::identity {

using Context = core::RequestContext;
using Answer = Result<http::Response>;

// Keyed hash under which a client secret is stored.
std::string hash_secret(const SecretBytes& key, std::string_view app_id, std::string_view secret);

struct TokenParts {
  const core::Installation& installation;
  Store& store;
  Tokens& tokens;
  SecretBytes secret_key;  // of hash_secret
};

// OpenID Connect discovery for both authority shapes: /{tenant}/… and /adfs/….
Answer get_configuration(const TokenParts& parts, Context& context);
Answer get_keys(const TokenParts& parts, Context& context);
Answer get_instance_discovery(const TokenParts& parts, Context& context);
// The token endpoints (v1 `resource`, v2 `scope`).
Answer post_token(const TokenParts& parts, Context& context);

}  // namespace lazuli::identity
