// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "services/authorization/policy.h"

namespace lazuli::authorization {

// All SQL of the service. Writes join the caller's transaction.
class Store {
 public:
  static std::vector<db::Migration> migrations();
  explicit Store(db::Database::Handle handle) : handle_(std::move(handle)) {}

  db::Database::Handle& handle() { return handle_; }
  Result<PolicyData> load();

  // The one of the name, or of the same principal, role and scope.
  Result<std::optional<RoleAssignment>> find_assignment(db::Tx& caller, const std::string& name);
  Result<std::optional<RoleAssignment>> find_same(db::Tx& caller, const RoleAssignment& like);
  Result<void> insert_assignment(db::Tx& caller, const RoleAssignment& assignment);
  Result<void> update_assignment(db::Tx& caller, const RoleAssignment& assignment);
  Result<bool> remove_assignment(db::Tx& caller, const std::string& name);
  Result<int64_t> remove_assignments_of(db::Tx& caller, const std::string& principal_id);
  // Assignments and denials at a scope and below it.
  Result<int64_t> remove_below(db::Tx& caller, const std::string& scope);
  Result<bool> role_is_assigned(db::Tx& caller, const std::string& role_id);

  Result<std::optional<RoleDefinition>> find_role(db::Tx& caller, const std::string& id);
  Result<bool> name_is_taken(db::Tx& caller, const std::string& name, const std::string& but_id);
  Result<void> put_role(db::Tx& caller, const RoleDefinition& role);
  Result<bool> remove_role(db::Tx& caller, const std::string& id);
  // True the first time: a role that was removed does not come back.
  Result<bool> mark_seeded(db::Tx& caller, const std::string& role_id);

  Result<std::optional<DenyAssignment>> find_denial(db::Tx& caller, const std::string& id);
  Result<void> put_denial(db::Tx& caller, const DenyAssignment& denial);
  Result<bool> remove_denial(db::Tx& caller, const std::string& id);

  Result<void> put_group(db::Tx& caller, const ManagementGroup& group);
  Result<bool> remove_group(db::Tx& caller, const std::string& name);
  Result<bool> group_is_empty(db::Tx& caller, const std::string& name);
  // An empty group: the root.
  Result<void> place(db::Tx& caller, const std::string& subscription, const std::string& group);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::authorization
