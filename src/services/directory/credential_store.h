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

struct KeptCertificate : Certificate {
  std::string name, usage;
};

struct KeptFederation : FederatedCredential {
  std::string description;
};

struct SetupCode {
  std::string hash;  // empty: used
  Timestamp expires{};
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
  // All of one holder, for those who manage it.
  static Result<std::vector<KeptCertificate>> certificates_of(db::Executor& db,
                                                              const std::string& object_id);
  static Result<void> add_certificate(db::Tx& tx, const std::string& object_id,
                                      const KeptCertificate& certificate);
  static Result<void> remove_certificate(db::Tx& tx, const std::string& key_id);
  static Result<std::vector<KeptFederation>> federations_of(db::Executor& db,
                                                            const std::string& object_id);
  // kConflict where the name, or issuer and subject, are taken.
  static Result<void> put_federation(db::Tx& tx, const std::string& object_id,
                                     const KeptFederation& federation);
  static Result<void> remove_federation(db::Tx& tx, const std::string& id);
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

  // Nothing where none was ever made.
  static Result<std::optional<SetupCode>> setup_code(db::Executor& db);
  static Result<void> put_setup_code(db::Tx& tx, const SetupCode& code);

  // kConflict where the issuer is known already.
  static Result<void> add_provider(db::Tx& tx, const IdentityProvider& provider,
                                   const std::string& sealed_secret);
  static Result<bool> remove_provider(db::Tx& tx, const std::string& id);
  static Result<std::vector<IdentityProvider>> providers(db::Executor& db);
  static Result<std::optional<std::string>> sealed_provider_secret(db::Executor& db,
                                                                   const std::string& id);
  static Result<std::optional<std::string>> find_external(db::Executor& db,
                                                          const std::string& issuer,
                                                          const std::string& subject);
  static Result<std::vector<LinkedAccount>> externals_of(db::Executor& db,
                                                         const std::string& object_id);
  // kConflict where the account is linked already.
  static Result<void> add_external(db::Tx& tx, const std::string& object_id,
                                   const LinkedAccount& account);
  static Result<void> remove_external(db::Tx& tx, const LinkedAccount& account);
};

}  // namespace lazuli::directory
