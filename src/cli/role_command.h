// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace lazuli::cli {

// What `lazuli role VERB` was asked.
struct RoleRequest {
  std::string data_dir;
  std::string verb;                    // "list", "show", "assign", "assignments", "unassign"
  std::string role, principal, scope;  // role: name or id; scope: empty for the subscription
  std::string condition, id;
  bool custom = false, json = false;
};

// Works with roles and their assignments through Resource Manager's own API. The exit status.
int role_command(const RoleRequest& request);

struct WhyRequest {
  std::string data_dir, operation, scope;
  bool data_action = false, json = false;
};

// Explains whether whoever is signed in may do the operation on the scope: which assignment, role
// or condition decides. 0 when it is allowed, else 1.
int explain_access(const WhyRequest& request);

}  // namespace lazuli::cli
