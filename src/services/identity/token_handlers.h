// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/identity/client_proof.h"
#include "services/identity/oauth.h"
#include "services/identity/rate_limit.h"
#include "services/identity/sessions.h"
#include "services/identity/sign_in_store.h"
#include "services/identity/tokens.h"

namespace lazuli::identity {

// What the handlers of the token service work with.
struct TokenParts {
  const core::Installation& installation;
  directory::Directory& directory;
  db::Database::Handle handle;
  Tokens& tokens;
  Sessions& sessions;
  ClientProver& prover;
  SignInStore& sign_ins;
  RateLimit& requests;  // by source
  RateLimit& failures;  // by source and client, or source and page
};

// The token endpoints (v1 `resource`, v2 `scope`, ADFS): every grant.
Answer post_token(const TokenParts& parts, Context& context);
// RFC 8628 §3.1.
Answer post_device_code(const TokenParts& parts, Context& context);

// 60 to 75 minutes, so that not all clients come back at once.
Duration draw_lifetime();

// Whose requests are counted together: an IPv4 address, an IPv6 /64 network, or one job.
std::string source_of(const Context& context);
http::Response too_many_requests(const Context& context);
// Keeps an attempt in the sign-in log.
Result<void> record(const TokenParts& parts, const Context& context, SignIn sign_in,
                    const Error* error);

}  // namespace lazuli::identity
