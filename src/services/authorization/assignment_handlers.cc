// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/authorization/role-assignments
#include "base/ids.h"
#include "base/strings.h"
#include "core/arm.h"
#include "services/authorization/handlers.h"
#include "services/authorization/scope.h"
#include "services/authorization/wire.h"

namespace lazuli::authorization {
namespace {

constexpr std::string_view kAttributePrefix = "Microsoft.Authorization/roleAssignments:";

Error not_there(const Context& context) {
  return not_found(cat({"The role assignment '", context.param("name"), "' is not found."}),
                   "RoleAssignmentNotFound");
}

// What conditions on delegation ask for: of the request when it is written, of the resource when it
// is deleted.
core::Attributes attributes_of(const RoleAssignment& assignment, std::string_view source) {
  core::Attributes attributes;
  auto set = [&](std::string_view name, const std::string& value) {
    attributes.set(source, cat({kAttributePrefix, name}), value);
  };
  set("RoleDefinitionId", assignment.role_id);
  set("PrincipalId", assignment.principal_id);
  set("PrincipalType", assignment.principal_type);
  return attributes;
}

// The permission again, now that a condition's attributes are known.
Result<void> authorize_with(Parts& parts, const Context& context, const RoleAssignment& assignment,
                            std::string_view source) {
  TRY(parts.rbac->authorize(core::Access{context.principal(), context.route().operation,
                                         assignment.scope,
                                         [&] { return attributes_of(assignment, source); }}));
  return {};
}

Result<std::string> role_id_of(const Json& properties) {
  std::string_view text = properties["roleDefinitionId"].str();
  std::string id = to_lower(split(text, '/').back());
  if (is_uuid(id)) return id;
  return invalid_argument(cat({"The role definition ID '", text.substr(0, 300), "' is not valid."}),
                          "InvalidRoleDefinitionId");
}

// Who gets the role: known to the directory, unless the caller says of what type it will be.
Result<void> resolve_principal(Parts& parts, const Json& properties, RoleAssignment& assignment) {
  assignment.principal_id = to_lower(properties["principalId"].str());
  assignment.principal_type = properties["principalType"].text();
  if (!is_uuid(assignment.principal_id))
    return invalid_argument(cat({"The principal ID '", assignment.principal_id.substr(0, 100),
                                 "' is not valid. Principal ID must be a GUID."}),
                            "InvalidPrincipalId");
  bool known_type = assignment.principal_type.empty();
  for (std::string_view type : {"User", "Group", "ServicePrincipal", "ForeignGroup", "Device"})
    known_type = known_type || assignment.principal_type == type;
  if (!known_type)
    return invalid_argument(
        cat({"The principal type '", assignment.principal_type.substr(0, 100), "' is not valid."}),
        "InvalidPrincipalType");
  if (parts.directory == nullptr) return {};
  auto found = TRY(parts.directory->find_by_object_id(assignment.principal_id));
  if (!found) {
    if (!assignment.principal_type.empty()) return {};
    return invalid_argument(
        cat({"Principal ", replace_all(assignment.principal_id, "-", ""),
             " does not exist in the directory ", parts.installation.tenant_id,
             ". Check that you have the correct principal ID. If you are creating this principal "
             "and then immediately assigning a role, this error might be related to a replication "
             "delay. In this case, set the role assignment principalType property to a value, such "
             "as ServicePrincipal, User, or Group."}),
        "PrincipalNotFound");
  }
  std::string type(directory::to_string(found->kind));
  if (!assignment.principal_type.empty() && assignment.principal_type != type)
    return invalid_argument(cat({"The PrincipalId '", assignment.principal_id, "' has type '", type,
                                 "', which is different from specified PrincipalType '",
                                 assignment.principal_type, "'."}),
                            "UnmatchedPrincipalType");
  assignment.principal_type = type;
  return {};
}

Result<void> read_condition(const Json& properties, RoleAssignment& assignment) {
  assignment.condition = properties["condition"].text();
  assignment.condition_version = properties["conditionVersion"].text();
  if (assignment.condition.empty()) {
    assignment.condition_version.clear();
    return {};
  }
  if (assignment.condition_version != "2.0" && assignment.condition_version != "1.0")
    return invalid_argument("A condition needs the conditionVersion '2.0'.",
                            "InvalidConditionVersion");
  TRY(Condition::parse(assignment.condition));
  return {};
}

Result<void> check_place(Parts& parts, const RoleAssignment& assignment) {
  std::string_view subscription = subscription_of(assignment.scope);
  if (!subscription.empty() && !iequals(subscription, parts.installation.subscription_id))
    return not_found(cat({"The subscription '", subscription, "' could not be found."}),
                     "SubscriptionNotFound");
  auto policy = TRY(parts.rbac->policy());
  std::string_view group = group_of(assignment.scope);
  if (!group.empty() && policy->group(group) == nullptr)
    return not_found(cat({"The management group '", group, "' cannot be found."}),
                     "ManagementGroupNotFound");
  auto role = policy->role(assignment.role_id);
  if (!role)
    return not_found(
        cat({"The specified role definition with ID '", assignment.role_id, "' does not exist."}),
        "RoleDefinitionDoesNotExist");
  for (const std::string& each : role->definition.assignable_scopes)
    if (policy->covers(each, assignment.scope)) return {};
  return invalid_argument(
      cat({"The role '", role->definition.name, "' cannot be assigned at the scope '",
           assignment.scope, "': it is not below any of its assignable scopes."}),
      "RoleAssignmentScopeNotAssignableToRoleDefinition");
}

Result<RoleAssignment> assignment_from_request(Parts& parts, Context& context) {
  RoleAssignment assignment;
  assignment.scope = TRY(scope_of(context));
  assignment.name = to_lower(context.param("name"));
  if (!is_uuid(assignment.name))
    return invalid_argument(cat({"The role assignment ID '", assignment.name.substr(0, 100),
                                 "' is not valid. The role assignment ID must be a GUID."}),
                            "InvalidRoleAssignmentId");
  const Json body = TRY(context.json());
  const Json& properties = body["properties"];
  assignment.role_id = TRY(role_id_of(properties));
  TRY(resolve_principal(parts, properties, assignment));
  TRY(read_condition(properties, assignment));
  assignment.description = properties["description"].text();
  assignment.delegated_id = properties["delegatedManagedIdentityResourceId"].text();
  if (assignment.description.size() > 1024)
    return invalid_argument("The description may have 1024 characters at most.",
                            "InvalidDescription");
  TRY(check_place(parts, assignment));
  return assignment;
}

struct Written {
  RoleAssignment assignment;
  bool created = false;
};

Result<Written> write_assignment(Parts& parts, const Context& context, RoleAssignment wanted) {
  return parts.store->handle().write([&](db::Tx& tx) -> Result<Written> {
    auto held = TRY(parts.store->find_assignment(tx, wanted.name));
    wanted.stamp = stamp_for(context, held ? std::optional(held->stamp) : std::nullopt);
    if (held) {
      if (held->principal_id != wanted.principal_id || held->role_id != wanted.role_id ||
          scope_key(held->scope) != scope_key(wanted.scope))
        return invalid_argument(
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            "RoleAssignmentUpdateNotPermitted");
      wanted.scope = held->scope;
      TRY(parts.store->update_assignment(tx, wanted));
    } else {
      if (TRY(parts.store->find_same(tx, wanted)))
        return conflict("The role assignment already exists.", "RoleAssignmentExists");
      TRY(parts.store->insert_assignment(tx, wanted));
    }
    TRY(parts.changed(tx, "roleAssignment", wanted.scope, wanted.name));
    return Written{wanted, !held.has_value()};
  });
}

// At the path's own scope alone: the permission was checked there.
const Held* find_here(const Policy& policy, const Context& context, const std::string& scope) {
  const Held* held = policy.assignment(context.param("name"));
  if (held == nullptr || scope_key(held->assignment.scope) != scope_key(scope)) return nullptr;
  return held;
}

}  // namespace

// "List For Scope": what is at the scope, above and below it; atScope() leaves out what is below.
Answer list_assignments(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  const Filter filter = TRY(filter_of(context));
  auto policy = TRY(parts.rbac->policy());
  std::vector<std::string> wanted;
  if (!filter.principal_id.empty()) wanted.push_back(filter.principal_id);
  if (!filter.assigned_to.empty()) {
    wanted.push_back(filter.assigned_to);
    if (auto groups = TRY(parts.rbac->groups_of(to_lower(filter.assigned_to))))
      wanted.insert(wanted.end(), groups->begin(), groups->end());
  }
  auto is_wanted = [&](const std::string& principal) {
    for (const std::string& each : wanted)
      if (iequals(each, principal)) return true;
    return wanted.empty();
  };
  Json::Array found;
  for (const auto& held : policy->assignments()) {
    const RoleAssignment& each = held->assignment;
    if (!is_wanted(each.principal_id)) continue;
    if (policy->covers(each.scope, scope) ||
        (!filter.at_scope && policy->covers(scope, each.scope)))
      found.push_back(assignment_json(each));
  }
  return core::json_response(core::arm_list(std::move(found)));
}

Answer get_assignment(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  auto policy = TRY(parts.rbac->policy());
  const Held* held = find_here(*policy, context, scope);
  if (held == nullptr) return not_there(context);
  return core::json_response(assignment_json(held->assignment));
}

// "Create": 201 when new, 200 for what was there.
Answer put_assignment(Parts& parts, Context& context) {
  RoleAssignment wanted = TRY(assignment_from_request(parts, context));
  TRY(authorize_with(parts, context, wanted, "Request"));
  Written written = TRY(write_assignment(parts, context, std::move(wanted)));
  return core::json_response(assignment_json(written.assignment), written.created ? 201 : 200);
}

// "Delete": 200 with what was removed, 204 when there was nothing.
Answer delete_assignment(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  auto policy = TRY(parts.rbac->policy());
  const Held* held = find_here(*policy, context, scope);
  if (held == nullptr) return http::Response(204);
  TRY(authorize_with(parts, context, held->assignment, "Resource"));
  TRY(parts.store->handle().write([&](db::Tx& tx) -> Result<void> {
    TRY(parts.store->remove_assignment(tx, held->assignment.name));
    return parts.changed(tx, "roleAssignment", held->assignment.scope, held->assignment.name);
  }));
  return core::json_response(assignment_json(held->assignment));
}

}  // namespace lazuli::authorization
