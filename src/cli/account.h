// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace lazuli::cli {

// The command line's own application, a public client of the token service.
inline constexpr std::string_view kCliApp = "6f0f1a6e-8d0e-4b0f-9d62-3b6c64c0a1f7";

// Who the command line acts as: whoever signed in with `lazuli login`, else the data directory's
// administrator.
struct Account {
  enum class Kind { kUser, kSecret, kCertificate };
  struct CachedToken {
    SecretString token;
    Timestamp expires{};
  };
  Kind kind = Kind::kUser;
  std::string tenant, client_id;
  SecretString secret;         // kSecret
  SecretString certificate;    // kCertificate: PEM of the private key and of the certificate
  SecretString refresh_token;  // kUser
  std::map<std::string, CachedToken> tokens;  // by audience
};

// DIR/login.json, readable by its owner alone. Nothing when nobody signed in.
Result<std::optional<Account>> load_account(const std::string& data_dir);
Result<void> save_account(const std::string& data_dir, const Account& account);
// False when nobody had.
Result<bool> forget_account(const std::string& data_dir);

}  // namespace lazuli::cli
