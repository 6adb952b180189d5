// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "core/pattern.h"
#include "services/authorization/condition.h"
#include "services/authorization/model.h"

namespace lazuli::authorization {

// A permission made ready for decisions.
struct CompiledPermission {
  explicit CompiledPermission(const Permission& permission);

  enum class Match { kNone, kSubtracted, kGranted };
  // (actions − notActions) for control operations, (dataActions − notDataActions) for data.
  Match match(std::string_view operation, bool is_data) const;

  std::vector<core::OperationPattern> actions, not_actions, data_actions, not_data_actions;
  std::optional<Condition> condition;
  bool broken_condition = false;  // it does not parse: grants nothing
};

struct Role {
  explicit Role(RoleDefinition definition);
  RoleDefinition definition;
  std::vector<CompiledPermission> permissions;
};

// Azure's built-in roles, from the data file in the binary: found by an index over its lines, each
// read when it is first asked for. Thread-safe.
class BuiltInRoles {
 public:
  static Result<std::unique_ptr<BuiltInRoles>> load();
  static Result<std::unique_ptr<BuiltInRoles>> load(std::string_view json_lines);
  // Null when there is none. `id` in lower case.
  std::shared_ptr<const Role> find(std::string_view id) const;
  std::vector<std::string_view> ids() const;  // in the order of names
  size_t size() const { return lines_.size(); }

 private:
  struct Line {
    std::string_view id, text;
  };
  std::vector<Line> lines_;                             // in the order of names
  std::unordered_map<std::string_view, size_t> by_id_;  // places in lines_
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string_view, std::shared_ptr<const Role>> read_;
};

// The roles the product adds, as written in data/product_roles.jsonl.
Result<std::vector<RoleDefinition>> product_roles();

RoleDefinition role_from_json(const Json& json);
Permission permission_from_json(const Json& json);
Json permission_json(const Permission& permission);

}  // namespace lazuli::authorization
