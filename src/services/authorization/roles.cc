// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/roles.h"

#include "base/ids.h"
#include "base/log.h"
#include "base/strings.h"

// The data files as they are, placed in the read-only section by the assembler.
__asm__(
    ".section .rodata\n"
    ".global lazuli_builtin_roles_begin\n"
    "lazuli_builtin_roles_begin:\n"
    ".incbin \"" LAZULI_SOURCE_DIR
    "/src/services/authorization/data/builtin_roles.jsonl\"\n"
    ".global lazuli_builtin_roles_end\n"
    "lazuli_builtin_roles_end:\n"
    ".global lazuli_product_roles_begin\n"
    "lazuli_product_roles_begin:\n"
    ".incbin \"" LAZULI_SOURCE_DIR
    "/src/services/authorization/data/product_roles.jsonl\"\n"
    ".global lazuli_product_roles_end\n"
    "lazuli_product_roles_end:\n"
    ".byte 0\n"
    ".previous\n");
extern "C" const char lazuli_builtin_roles_begin[], lazuli_builtin_roles_end[];
extern "C" const char lazuli_product_roles_begin[], lazuli_product_roles_end[];

namespace lazuli::authorization {
namespace {

constexpr std::string_view kLineHead = "{\"id\":\"";
constexpr size_t kIdSize = 36;

std::vector<std::string> strings(const Json& array) {
  std::vector<std::string> out;
  for (const Json& item : array.items()) out.emplace_back(item.str());
  return out;
}

std::vector<core::OperationPattern> compiled(const std::vector<std::string>& texts) {
  std::vector<core::OperationPattern> patterns;
  patterns.reserve(texts.size());
  for (const std::string& text : texts) patterns.emplace_back(text);
  return patterns;
}

bool any_matches(const std::vector<core::OperationPattern>& patterns, std::string_view operation) {
  for (const core::OperationPattern& pattern : patterns)
    if (pattern.matches(operation)) return true;
  return false;
}

}  // namespace

CompiledPermission::CompiledPermission(const Permission& permission)
    : actions(compiled(permission.actions)),
      not_actions(compiled(permission.not_actions)),
      data_actions(compiled(permission.data_actions)),
      not_data_actions(compiled(permission.not_data_actions)) {
  if (permission.condition.empty()) return;
  Result<Condition> parsed = Condition::parse(permission.condition);
  if (parsed.ok())
    condition = std::move(*parsed);
  else
    broken_condition = true;
}

CompiledPermission::Match CompiledPermission::match(std::string_view operation,
                                                    bool is_data) const {
  if (!any_matches(is_data ? data_actions : actions, operation)) return Match::kNone;
  return any_matches(is_data ? not_data_actions : not_actions, operation) ? Match::kSubtracted
                                                                          : Match::kGranted;
}

Role::Role(RoleDefinition from) : definition(std::move(from)) {
  permissions.reserve(definition.permissions.size());
  for (const Permission& each : definition.permissions) permissions.emplace_back(each);
}

Permission permission_from_json(const Json& json) {
  return {strings(json["actions"]),     strings(json["notActions"]),
          strings(json["dataActions"]), strings(json["notDataActions"]),
          json["condition"].text(),     json["conditionVersion"].text()};
}

Json permission_json(const Permission& permission) {
  Json json = Json::object({{"actions", Json::strings(permission.actions)},
                            {"notActions", Json::strings(permission.not_actions)},
                            {"dataActions", Json::strings(permission.data_actions)},
                            {"notDataActions", Json::strings(permission.not_data_actions)}});
  if (!permission.condition.empty()) {
    json.set("condition", permission.condition);
    json.set("conditionVersion", permission.condition_version);
  }
  return json;
}

RoleDefinition role_from_json(const Json& json) {
  RoleDefinition role;
  role.id = to_lower(json["id"].str());
  role.name = json["name"].text();
  role.description = json["description"].text();
  for (const Json& each : json["permissions"].items())
    role.permissions.push_back(permission_from_json(each));
  role.assignable_scopes = strings(json["assignableScopes"]);
  if (role.assignable_scopes.empty()) role.assignable_scopes = {"/"};
  return role;
}

Result<std::unique_ptr<BuiltInRoles>> BuiltInRoles::load() {
  return load({lazuli_builtin_roles_begin,
               static_cast<size_t>(lazuli_builtin_roles_end - lazuli_builtin_roles_begin)});
}

Result<std::unique_ptr<BuiltInRoles>> BuiltInRoles::load(std::string_view json_lines) {
  auto roles = std::make_unique<BuiltInRoles>();
  for (std::string_view line : split(json_lines, '\n')) {
    if (line.empty()) continue;
    std::string_view id = line.substr(std::min(kLineHead.size(), line.size()), kIdSize);
    if (!line.starts_with(kLineHead) || !is_uuid(id))
      return internal_error(cat({"not the line of a role: ", line.substr(0, 100)}));
    roles->by_id_.emplace(id, roles->lines_.size());
    roles->lines_.push_back({id, line});
  }
  return roles;
}

std::shared_ptr<const Role> BuiltInRoles::find(std::string_view id) const {
  auto place = by_id_.find(id);
  if (place == by_id_.end()) return nullptr;
  const Line& line = lines_[place->second];
  std::lock_guard lock(mutex_);
  auto [slot, fresh] = read_.try_emplace(line.id);
  if (fresh) {
    Result<Json> json = Json::parse(line.text);
    if (json.ok())
      slot->second = std::make_shared<const Role>(role_from_json(*json));
    else
      log::error("authorization", "a built-in role cannot be read", {{"role", line.id}});
  }
  return slot->second;
}

std::vector<std::string_view> BuiltInRoles::ids() const {
  std::vector<std::string_view> ids;
  for (const Line& line : lines_) ids.push_back(line.id);
  return ids;
}

Result<std::vector<RoleDefinition>> product_roles() {
  std::string_view text(lazuli_product_roles_begin,
                        static_cast<size_t>(lazuli_product_roles_end - lazuli_product_roles_begin));
  std::vector<RoleDefinition> roles;
  for (std::string_view line : split(text, '\n')) {
    if (trim(line).empty()) continue;
    RoleDefinition role = role_from_json(TRY(Json::parse(line)));
    role.custom = true;
    roles.push_back(std::move(role));
  }
  return roles;
}

}  // namespace lazuli::authorization
