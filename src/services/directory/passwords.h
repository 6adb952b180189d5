// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "crypto/password.h"
#include "db/db.h"
#include "services/directory/api.h"
#include "services/directory/changes.h"

namespace lazuli::directory {

// People's passwords: checked, changed, and locked against guessing. Thread-safe.
class Passwords {
 public:
  Passwords(db::Database::Handle handle, Changes& changes)
      : handle_(std::move(handle)), changes_(changes) {}

  Result<PasswordAnswer> verify(const std::string& upn, const SecretString& password);
  Result<PasswordVerdict> change(const std::string& upn, const SecretString& old,
                                 const SecretString& fresh);
  // Joins the caller's transaction; also ends the user's sessions.
  Result<void> set(db::Tx& tx, const std::string& object_id, const std::string& hash,
                   bool must_change);
  // The hash of a password that is good enough; kInvalidArgument says what it lacks.
  Result<std::string> hash(const SecretString& password);

 private:
  struct Attempt;
  Result<Attempt> begin(const std::string& upn);
  Result<void> forgive(const Attempt& attempt);

  db::Database::Handle handle_;
  Changes& changes_;
  crypto::PasswordHasher hasher_;
};

// Azure's rule: 8 to 256 characters, three of lower case, upper case, digits and others.
Result<void> check_password_strength(const SecretString& password);

}  // namespace lazuli::directory
