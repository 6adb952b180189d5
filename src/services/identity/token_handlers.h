// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/context.h"
#include "core/service.h"
#include "services/directory/api.h"
#include "services/identity/tokens.h"

namespace lazuli::identity {

using Context = core::RequestContext;
using Answer = Result<http::Response>;

struct TokenParts {
  const core::Installation& installation;
  directory::Directory& directory;
  Tokens& tokens;
};

// OpenID Connect discovery for both authority shapes: /{tenant}/… and /adfs/….
Answer get_configuration(const TokenParts& parts, Context& context);
Answer get_keys(const TokenParts& parts, Context& context);
Answer get_instance_discovery(const TokenParts& parts, Context& context);
// The token endpoints (v1 `resource`, v2 `scope`).
Answer post_token(const TokenParts& parts, Context& context);

}  // namespace lazuli::identity
