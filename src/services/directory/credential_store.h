// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "services/directory/api.h"
#include "services/directory/model.h"

namespace lazuli::directory {

// What is kept of a user's password.
struct Password {
  std::string hash;
  bool must_change = false;
  int64_t failures = 0;  // in a row
  Timestamp locked_until{};
};

// SQL of what proves a principal. Functions run in the caller's transaction.
class CredentialStore {
 public:
  static Result<void> add_secret(db::Tx& tx, const Secret& secret);
  static Result<std::vector<Secret>> secrets_of(db::Executor& db, const std::string& object_id);
  // Of the application and the service principal with this app id, valid at `time`.
  static Result<std::vector<std::string>> secret_hashes(db::Executor& db, const std::string& app_id,
                                                        Timestamp time);
  static Result<bool> remove_secret(db::Tx& tx, const std::string& object_id,
                                    const std::string& key_id);
  static Result<std::vector<Certificate>> certificates(db::Executor& db, const std::string& app_id,
                                                       Timestamp time);
  static Result<std::vector<FederatedCredential>> federations(db::Executor& db,
                                                              const std::string& app_id);

  static Result<void> put_password(db::Tx& tx, const std::string& object_id,
                                   const std::string& hash, bool must_change);
  static Result<std::optional<Password>> password_of(db::Executor& db,
                                                     const std::string& object_id);
  static Result<void> set_failures(db::Tx& tx, const std::string& object_id, int64_t failures,
                                   Timestamp locked_until);

  static Result<std::vector<IdentityProvider>> providers(db::Executor& db);
  static Result<std::optional<std::string>> sealed_provider_secret(db::Executor& db,
                                                                   const std::string& id);
  static Result<std::optional<std::string>> find_external(db::Executor& db,
                                                          const std::string& issuer,
                                                          const std::string& subject);
  static Result<void> link_external(db::Tx& tx, const std::string& object_id,
                                    const std::string& issuer, const std::string& subject);
};

}  // namespace lazuli::directory
