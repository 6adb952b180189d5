// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace lazuli::authorization {

struct Stamp {
  std::string created_by, updated_by;  // object ids
  Timestamp created{}, updated{};
};

struct RoleAssignment {
  std::string name;  // GUID, lower case
  std::string principal_id;
  std::string principal_type;  // "User", "Group", "ServicePrincipal"
  std::string role_id;         // GUID, lower case
  std::string scope;           // as it was given, without a final slash; "/" for the tenant
  std::string condition, condition_version;
  std::string description, delegated_id;
  Stamp stamp;
};

struct Permission {
  std::vector<std::string> actions, not_actions, data_actions, not_data_actions;
  std::string condition, condition_version;
};

struct RoleDefinition {
  std::string id;  // GUID, lower case
  std::string name, description;
  bool custom = false;
  std::vector<Permission> permissions;
  std::vector<std::string> assignable_scopes;
  Stamp stamp;
};

struct DeniedPrincipal {
  std::string id, type;
};

// Everybody: the principal of this id, of type "SystemDefined".
inline constexpr const char* kEveryone = "00000000-0000-0000-0000-000000000000";

struct DenyAssignment {
  std::string id;  // GUID, lower case
  std::string name, description, scope;
  bool not_below = false;  // doNotApplyToChildScopes
  bool system = true;      // isSystemProtected: only the server itself changes it
  std::vector<Permission> permissions;
  std::vector<DeniedPrincipal> principals, excluded;
  Stamp stamp;
};

struct ManagementGroup {
  std::string name, display_name;
  std::string parent;  // name; empty for the root, whose name is the tenant's id
  int64_t version = 1;
  std::string updated_by;
  Timestamp updated{};
};

}  // namespace lazuli::authorization
