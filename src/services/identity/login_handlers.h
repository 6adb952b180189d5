// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/identity/browser.h"
#include "services/identity/token_handlers.h"

namespace lazuli::identity {

// What the pages work with.
struct LoginParts {
  const TokenParts& token;
  BrowserGuard& browser;
  ForeignIssuers& issuers;
};

// RFC 6749 §4.1.1 with PKCE: sign-in, account choice, or the answer at once.
Answer get_authorize(const LoginParts& parts, Context& context);
// The forms of the pages.
Answer post_login(const LoginParts& parts, Context& context);
Answer post_continue(const LoginParts& parts, Context& context);
Answer get_password(const LoginParts& parts, Context& context);
Answer post_password(const LoginParts& parts, Context& context);
Answer get_device(const LoginParts& parts, Context& context);
Answer post_device(const LoginParts& parts, Context& context);
Answer post_device_confirm(const LoginParts& parts, Context& context);
// Sign-in through another provider: there, and back.
Answer post_federated(const LoginParts& parts, Context& context);
Answer get_federated_callback(const LoginParts& parts, Context& context);
// Ends the browser's sign-in.
Answer get_logout(const LoginParts& parts, Context& context);
// OpenID Connect Core §5.3.
Answer get_userinfo(const LoginParts& parts, Context& context);

// For the pages among themselves.
// What the person came for, now that it is known who they are.
Answer proceed(const LoginParts& parts, const Context& context, const Errand& errand,
               const Proof& proof);
// The same with the browser signed in from now on.
Answer sign_in_and_proceed(const LoginParts& parts, const Context& context, const Errand& errand,
                           const Proof& proof);
struct LoginProblem {
  std::string username, text;
};
Answer show_login(const LoginParts& parts, const Context& context, const Errand& errand,
                  const LoginProblem& problem);
// A page that explains an error.
http::Response error_page(const Error& error);
// An answer to the client, by its redirect.
http::Response answer_client(const Errand& errand, QueryItems fields);

}  // namespace lazuli::identity
