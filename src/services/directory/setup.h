// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/secret.h"
#include "core/vault.h"
#include "db/db.h"
#include "services/directory/api.h"

namespace lazuli::directory {

// The one-time code that makes the first person: 80 random bits, an hour, a single use.
// Thread-safe.
class Setup {
 public:
  Setup(db::Database::Handle handle, core::Vault& vault)
      : handle_(std::move(handle)), key_(vault.derive("directory.setup_code")) {}

  // Whether no code was ever made: the first start.
  Result<bool> is_first_start();
  // Replaces what code there may be.
  Result<SecretString> make_code();
  // Ends the code; kPermissionDenied where it is another, over, or none.
  Result<void> redeem(db::Tx& tx, const SecretString& code);

 private:
  std::string hash(std::string_view code) const;

  db::Database::Handle handle_;
  SecretBytes key_;
};

}  // namespace lazuli::directory
