// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "core/principal.h"

namespace lazuli::authorization {

struct Permission {
  std::vector<std::string> actions, not_actions, data_actions, not_data_actions;
  // A condition this build cannot evaluate: the permission grants nothing.
  bool conditional = false;
};

struct Role {
  std::string id;  // GUID in lower case
  std::string name;
  std::vector<Permission> permissions;

  // (actions − notActions) for control operations, (dataActions − notDataActions) for data.
  bool permits(const core::Operation& operation) const;
};

// Azure's built-in roles, from the data file compiled into the binary. Immutable after load().
class Roles {
 public:
  static Result<Roles> load();
  static Result<Roles> parse(std::string_view json_lines);
  const Role* find(std::string_view id) const;
  size_t size() const { return by_id_.size(); }

 private:
  std::unordered_map<std::string, Role> by_id_;
};

}  // namespace lazuli::authorization
