// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "db/db.h"
#include "services/identity/api.h"

namespace lazuli::identity {

struct RoleAssignment {
  std::string name;  // GUID
  std::string object_id, role_id, scope;
};

struct SigningKey {
  std::string kid;
  std::string sealed_pem;  // by core::Vault, context "identity.signing_key/{kid}"
  Timestamp created{};
};

// All SQL of the service.
class Store {
 public:
  static std::vector<db::Migration> migrations();
  explicit Store(db::Database::Handle handle) : handle_(std::move(handle)) {}

  Result<std::vector<SigningKey>> signing_keys();
  Result<void> add_signing_key(const SigningKey& key);

  Result<std::optional<ServicePrincipal>> find_by_app_id(const std::string& app_id);
  Result<std::optional<ServicePrincipal>> find_by_object_id(const std::string& object_id);
  // The one of that name, made if absent, holding the role on the scope.
  Result<ServicePrincipal> ensure_principal(const std::string& name, const std::string& role_id,
                                            const std::string& scope);
  // Secrets are random and long: a keyed hash suffices.
  Result<void> add_secret_hash(const std::string& app_id, const std::string& hash);
  Result<std::vector<std::string>> secret_hashes(const std::string& app_id);

  Result<std::vector<RoleAssignment>> assignments();

  Result<void> revoke_job(db::Tx& caller, const std::string& job_id);
  Result<bool> is_job_revoked(const std::string& job_id);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::identity
