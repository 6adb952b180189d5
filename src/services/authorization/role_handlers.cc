// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/authorization/role-definitions
#include "base/ids.h"
#include "base/strings.h"
#include "core/arm.h"
#include "services/authorization/handlers.h"
#include "services/authorization/scope.h"
#include "services/authorization/wire.h"

namespace lazuli::authorization {
namespace {

constexpr size_t kActionsMax = 4096;
constexpr size_t kActionBytesMax = 512;
constexpr const char* kWrite = "Microsoft.Authorization/roleDefinitions/write";
constexpr const char* kDelete = "Microsoft.Authorization/roleDefinitions/delete";

Error not_there(const Context& context) {
  return not_found(
      cat({"The specified role definition with ID '", context.param("name"), "' does not exist."}),
      "RoleDefinitionDoesNotExist");
}

// A custom role is seen from where it can be assigned, and from above.
bool is_seen(const Policy& policy, const RoleDefinition& role, const std::string& scope) {
  if (!role.custom) return true;
  for (const std::string& each : role.assignable_scopes)
    if (policy.covers(each, scope) || policy.covers(scope, each)) return true;
  return false;
}

bool is_assignable(const Policy& policy, const RoleDefinition& role, const std::string& scope) {
  for (const std::string& each : role.assignable_scopes)
    if (policy.covers(each, scope)) return true;
  return false;
}

bool passes(const Filter& filter, const RoleDefinition& role) {
  if (!filter.role_name.empty() && !iequals(filter.role_name, role.name)) return false;
  return filter.role_type.empty() ||
         iequals(filter.role_type, role.custom ? "CustomRole" : "BuiltInRole");
}

Result<void> check_actions(const std::vector<std::string>& actions, size_t& count) {
  for (const std::string& action : actions) {
    bool bad = action.empty() || action.size() > kActionBytesMax;
    for (char c : action)
      bad = bad || c <= ' ' || c == 0x7f ||
            std::string_view("{}?#\\\"").find(c) != std::string_view::npos;
    if (bad || (action.find('/') == std::string::npos && action != "*"))
      return invalid_argument(cat({"'", action.substr(0, 100), "' is not a valid action."}),
                              "InvalidActionOrNotAction");
  }
  count += actions.size();
  if (count > kActionsMax)
    return invalid_argument("A role may name 4096 actions at most.", "RoleDefinitionTooLarge");
  return {};
}

Result<void> check_role(const RoleDefinition& role) {
  if (role.name.empty() || role.name.size() > 512 || !is_utf8(role.name))
    return invalid_argument("A role has a roleName of at most 512 characters.",
                            "RoleDefinitionNameNotValid");
  if (role.permissions.empty() || role.permissions.size() > 64)
    return invalid_argument("A role has permissions.", "RoleDefinitionPermissionsNotValid");
  size_t count = 0;
  for (const Permission& each : role.permissions) {
    TRY(check_actions(each.actions, count));
    TRY(check_actions(each.not_actions, count));
    TRY(check_actions(each.data_actions, count));
    TRY(check_actions(each.not_data_actions, count));
    if (!each.condition.empty()) TRY(Condition::parse(each.condition));
  }
  if (role.assignable_scopes.empty() || role.assignable_scopes.size() > 2000)
    return invalid_argument("A role has assignableScopes.", "MissingAssignableScopes");
  return {};
}

Result<RoleDefinition> role_from_request(Context& context) {
  const Json body = TRY(context.json());
  const Json& properties = body["properties"];
  RoleDefinition role = role_from_json(properties);
  role.id = to_lower(context.param("name"));
  role.name = std::string(trim(properties["roleName"].str()));
  role.custom = true;
  if (!is_uuid(role.id))
    return invalid_argument(cat({"The role definition ID '", role.id.substr(0, 100),
                                 "' is not valid. It must be a GUID."}),
                            "InvalidRoleDefinitionId");
  if (iequals(properties["type"].str(), "BuiltInRole"))
    return invalid_argument("Built-in roles cannot be made or changed.",
                            "RoleDefinitionTypeNotValid");
  role.assignable_scopes.clear();
  for (const Json& each : properties["assignableScopes"].items())
    role.assignable_scopes.push_back(TRY(checked_scope(each.str())));
  TRY(check_role(role));
  return role;
}

Result<void> check_name(const Policy& policy, const RoleDefinition& role) {
  for (std::string_view id : policy.built_in().ids())
    if (auto other = policy.built_in().find(id);
        other && iequals(other->definition.name, role.name))
      return conflict("A role definition cannot be updated with a name that already exists.",
                      "RoleDefinitionWithSameNameExists");
  return {};
}

// The right to write is needed on every scope where the role can or could be assigned.
Result<void> require_all(Parts& parts, const Context& context, const char* operation,
                         const std::vector<std::string>& scopes) {
  for (const std::string& scope : scopes) TRY(require(parts, context, operation, scope));
  return {};
}

}  // namespace

// "List": all built-in roles, and the custom ones that can be assigned at the scope.
Answer list_roles(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  const Filter filter = TRY(filter_of(context));
  auto policy = TRY(parts.rbac->policy());
  Json::Array found;
  for (const auto& role : policy->custom_roles())
    if (passes(filter, role->definition) && is_assignable(*policy, role->definition, scope))
      found.push_back(role_json(role->definition, scope));
  if (!iequals(filter.role_type, "CustomRole")) {
    for (std::string_view id : policy->built_in().ids()) {
      auto role = policy->built_in().find(id);
      if (role && passes(filter, role->definition))
        found.push_back(role_json(role->definition, scope));
    }
  }
  return core::json_response(core::arm_list(std::move(found)));
}

Answer get_role(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  auto policy = TRY(parts.rbac->policy());
  auto role = policy->role(to_lower(context.param("name")));
  if (!role || !is_seen(*policy, role->definition, scope)) return not_there(context);
  return core::json_response(role_json(role->definition, scope));
}

// "Create Or Update": 201 for both, as the clients expect.
Answer put_role(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  RoleDefinition role = TRY(role_from_request(context));
  auto policy = TRY(parts.rbac->policy());
  if (policy->built_in().find(role.id))
    return permission_denied("Built-in roles cannot be changed.", "BuiltInRoleNotModifiable");
  TRY(check_name(*policy, role));
  TRY(require_all(parts, context, kWrite, role.assignable_scopes));
  if (auto before = policy->role(role.id))
    TRY(require_all(parts, context, kWrite, before->definition.assignable_scopes));
  TRY(parts.store->handle().write([&](db::Tx& tx) -> Result<void> {
    auto held = TRY(parts.store->find_role(tx, role.id));
    role.stamp = stamp_for(context, held ? std::optional(held->stamp) : std::nullopt);
    if (TRY(parts.store->name_is_taken(tx, role.name, role.id)))
      return conflict("A role definition cannot be updated with a name that already exists.",
                      "RoleDefinitionWithSameNameExists");
    TRY(parts.store->put_role(tx, role));
    return parts.changed(tx, "roleDefinition", scope, role.id);
  }));
  return core::json_response(role_json(role, scope), 201);
}

Answer delete_role(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  auto policy = TRY(parts.rbac->policy());
  auto role = policy->role(to_lower(context.param("name")));
  if (!role) return http::Response(204);
  if (!role->definition.custom)
    return permission_denied("Built-in roles cannot be deleted.", "BuiltInRoleNotModifiable");
  TRY(require_all(parts, context, kDelete, role->definition.assignable_scopes));
  const std::string& id = role->definition.id;
  TRY(parts.store->handle().write([&](db::Tx& tx) -> Result<void> {
    if (TRY(parts.store->role_is_assigned(tx, id)))
      return invalid_argument(
          cat({"There are existing role assignments referencing role (code: ", id, ")."}),
          "RoleDefinitionHasAssignments");
    TRY(parts.store->remove_role(tx, id));
    return parts.changed(tx, "roleDefinition", scope, id);
  }));
  return core::json_response(role_json(role->definition, scope));
}

}  // namespace lazuli::authorization
