// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/roles.h"

#include "base/strings.h"
#include "codec/json.h"

// The data file as it is, placed in the read-only section by the assembler.
__asm__(
    ".section .rodata\n"
    ".global lazuli_builtin_roles_begin\n"
    "lazuli_builtin_roles_begin:\n"
    ".incbin \"" LAZULI_SOURCE_DIR
    "/src/services/authorization/data/builtin_roles.jsonl\"\n"
    ".global lazuli_builtin_roles_end\n"
    "lazuli_builtin_roles_end:\n"
    ".byte 0\n"
    ".previous\n");
extern "C" const char lazuli_builtin_roles_begin[], lazuli_builtin_roles_end[];

namespace lazuli::authorization {
namespace {

std::vector<std::string> strings(const Json& array) {
  std::vector<std::string> out;
  for (const Json& item : array.items()) out.emplace_back(item.str());
  return out;
}

bool any_matches(const std::vector<std::string>& patterns, std::string_view operation) {
  for (const std::string& pattern : patterns)
    if (core::operation_matches(pattern, operation)) return true;
  return false;
}

Role role_from(const Json& json) {
  Role role{to_lower(json["id"].str()), std::string(json["name"].str()), {}};
  for (const Json& each : json["permissions"].items()) {
    role.permissions.push_back({strings(each["actions"]), strings(each["notActions"]),
                                strings(each["dataActions"]), strings(each["notDataActions"]),
                                !each["condition"].str().empty()});
  }
  return role;
}

}  // namespace

bool Role::permits(const core::Operation& operation) const {
  for (const Permission& each : permissions) {
    if (each.conditional) continue;
    bool data = operation.is_data_action;
    if (any_matches(data ? each.data_actions : each.actions, operation.name) &&
        !any_matches(data ? each.not_data_actions : each.not_actions, operation.name))
      return true;
  }
  return false;
}

Result<Roles> Roles::load() {
  return parse({lazuli_builtin_roles_begin,
                static_cast<size_t>(lazuli_builtin_roles_end - lazuli_builtin_roles_begin)});
}

Result<Roles> Roles::parse(std::string_view json_lines) {
  Roles roles;
  for (std::string_view line : split(json_lines, '\n')) {
    if (trim(line).empty()) continue;
    Role role = role_from(TRY(Json::parse(line)));
    roles.by_id_.emplace(role.id, std::move(role));
  }
  return roles;
}

const Role* Roles::find(std::string_view id) const {
  auto found = by_id_.find(to_lower(id));
  return found == by_id_.end() ? nullptr : &found->second;
}

}  // namespace lazuli::authorization
