// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/account.h"
#include "codec/json.h"
#include "http/client.h"

namespace lazuli::cli {

using Form = std::vector<std::pair<std::string, std::string>>;

// The token service as the command line uses it. One call at a time.
class SignIn {
 public:
  // `login_url` is "https://login.{domain}:{port}"; the client outlives this.
  SignIn(http::Client& http, std::string login_url)
      : http_(http), login_url_(std::move(login_url)) {}

  // A token of the account for an audience, from its cache or renewed; `changed` tells that the
  // account now holds more than before and is to be saved.
  struct Token {
    SecretString token;
    bool changed = false;
  };
  Result<Token> token(Account& account, const std::string& audience);

  // Asks somebody to enter a code on another device; `tell` gets what they are to do.
  Result<Account> with_device_code(const std::string& tenant, const std::string& audience,
                                   const std::function<void(const std::string&)>& tell);
  // Sends a browser to sign in, which comes back to a port of this machine; `open` gets the
  // address.
  Result<Account> with_browser(const std::string& tenant, const std::string& audience,
                               const std::function<void(const std::string&)>& open);

 private:
  Result<Json> post(const std::string& tenant, std::string_view path, Form form);
  Result<Form> grant_of(const Account& account) const;
  void keep(Account& account, const std::string& audience, const Json& answer) const;
  Result<std::string> assertion(const Account& account) const;

  http::Client& http_;
  std::string login_url_;
};

// The claims of a token, unverified: for showing who one is.
Result<Json> claims_of(const SecretString& token);

}  // namespace lazuli::cli
