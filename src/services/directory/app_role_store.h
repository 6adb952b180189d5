// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "db/db.h"

namespace lazuli::directory {

// A role of an application, given to a user, a group or another application's service principal.
struct AppRoleAssignment {
  std::string id;
  std::string principal_id;  // who has it
  std::string resource_id;   // the service principal of the application that declares it
  std::string role_id;
  Timestamp created{};
};

// SQL of the assignments of app roles. Functions run in the caller's transaction.
class AppRoleStore {
 public:
  // kConflict where the principal has the role already.
  static Result<void> add(db::Tx& tx, const AppRoleAssignment& assignment);
  static Result<void> remove(db::Tx& tx, const std::string& id);
  static Result<std::optional<AppRoleAssignment>> find(db::Executor& db, const std::string& id);
  static Result<std::vector<AppRoleAssignment>> of_principal(db::Executor& db,
                                                             const std::string& principal_id);
  static Result<std::vector<AppRoleAssignment>> of_resource(db::Executor& db,
                                                            const std::string& resource_id);
  // Those of the principal, and of the groups it is in directly, with one resource: role ids.
  static Result<std::vector<std::string>> held(db::Executor& db, const std::string& principal_id,
                                               const std::string& resource_id);
};

}  // namespace lazuli::directory
