// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "services/identity/token_handlers.h"

// The grants of the token endpoint, one function each. Errors are OAuth's.
namespace lazuli::identity {

struct TokenCall {
  const TokenParts& parts;
  const Context& context;
  const Fields& form;
  ProvenClient client;
  SignIn log;  // grants fill in whom and what they recognise
};

struct Granted {
  Access access;
  std::optional<SignedIn> signed_in;  // set: an ID token is due
  std::optional<SecretString> refresh_token;
};

Result<Granted> grant_client_credentials(TokenCall& call);
Result<Granted> grant_authorization_code(TokenCall& call);
Result<Granted> grant_refresh_token(TokenCall& call);
Result<Granted> grant_device_code(TokenCall& call);
Result<Granted> grant_on_behalf_of(TokenCall& call);

// The roles that the subject has with the application asked for; OAuth's error where that one lets
// in nobody without a role.
Result<void> add_roles(directory::Directory& directory, const Asked& asked, Access& access);

// Hash under which codes are kept; they are random and long.
std::string hash_code(std::string_view code);

}  // namespace lazuli::identity
