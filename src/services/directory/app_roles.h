// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/db.h"
#include "services/directory/api.h"
#include "services/directory/model.h"

namespace lazuli::directory {

// The id that stands for "may use the application" where it declares no roles.
inline constexpr std::string_view kDefaultAccess = "00000000-0000-0000-0000-000000000000";

// A role that an application declares (`appRoles`).
// Source: https://learn.microsoft.com/graph/api/resources/approle
struct AppRole {
  std::string id, value;
  bool enabled = true;
  bool for_people = false, for_applications = false;
};
std::vector<AppRole> app_roles(const Object& application);

// The enabled scopes that it exposes (`api.oauth2PermissionScopes`).
// Source: https://learn.microsoft.com/graph/api/resources/permissionscope
std::vector<AppScope> app_scopes(const Object& application);

// What a client wrote of both: ids are GUIDs, ids and values come once, values have no spaces.
Result<void> check_app_roles(const Object& application);

// What the application's service principal shows of it: its names, roles and scopes.
void follow(const Object& application, Object& principal);

// See Directory::app_access.
Result<AppAccess> app_access(db::Executor& db, const std::string& object_id,
                             const std::string& app_id);

}  // namespace lazuli::directory
