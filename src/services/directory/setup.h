// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/secret.h"
#include "core/vault.h"
#include "db/db.h"
#include "services/directory/api.h"
#include "services/directory/credential_store.h"

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
  // kPermissionDenied where the code is another, over, or none. Ends nothing: it goes before work
  // that a wrong code is not worth.
  Result<void> check(const SecretString& code);
  // Ends the code; refuses as check() does.
  Result<void> redeem(db::Tx& tx, const SecretString& code);

 private:
  Result<SetupCode> find(db::Executor& db, const SecretString& code) const;
  std::string hash(std::string_view code) const;

  db::Database::Handle handle_;
  SecretBytes key_;
};

}  // namespace lazuli::directory
