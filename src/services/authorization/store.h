// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "db/db.h"

namespace lazuli::authorization {

struct RoleAssignment {
  std::string name;  // GUID
  std::string object_id, role_id, scope;
};

// All SQL of the service.
class Store {
 public:
  static std::vector<db::Migration> migrations();
  explicit Store(db::Database::Handle handle) : handle_(std::move(handle)) {}

  db::Database::Handle& handle() { return handle_; }
  // Idempotent by principal, role and scope.
  Result<void> ensure_assignment(db::Tx& caller, const RoleAssignment& wanted);
  Result<std::vector<RoleAssignment>> assignments();

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::authorization
