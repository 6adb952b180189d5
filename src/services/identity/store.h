// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "db/db.h"
#include "services/identity/api.h"

namespace lazuli::identity {

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

  Result<void> revoke_job(db::Tx& caller, const std::string& job_id);
  Result<bool> is_job_revoked(const std::string& job_id);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::identity
