// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/routes.h"

#include "base/strings.h"
#include "services/authorization/wire.h"

namespace lazuli::authorization {
namespace {

using core::Host;
using http::Method;
using Function = Answer (*)(Parts&, Context&);

struct Entry {
  Method method;
  const char* path;  // behind the base
  const char* operation_id;
  const char* operation;  // behind the provider
  Function function;
  const char* summary;
};

constexpr const char* kExtension = "/{scope*}/providers/Microsoft.Authorization/";
constexpr Entry kExtensions[] = {
    {Method::kGet, "roleAssignments", "RoleAssignments_ListForScope", "roleAssignments/read",
     list_assignments, "Lists role assignments at, above and below a scope."},
    {Method::kGet, "roleAssignments/{name}", "RoleAssignments_Get", "roleAssignments/read",
     get_assignment, "Gets a role assignment."},
    {Method::kPut, "roleAssignments/{name}", "RoleAssignments_Create", "roleAssignments/write",
     put_assignment, "Creates or updates a role assignment."},
    {Method::kDelete, "roleAssignments/{name}", "RoleAssignments_Delete", "roleAssignments/delete",
     delete_assignment, "Deletes a role assignment."},
    {Method::kGet, "roleDefinitions", "RoleDefinitions_List", "roleDefinitions/read", list_roles,
     "Lists the roles that can be assigned at a scope."},
    {Method::kGet, "roleDefinitions/{name}", "RoleDefinitions_Get", "roleDefinitions/read",
     get_role, "Gets a role."},
    {Method::kPut, "roleDefinitions/{name}", "RoleDefinitions_CreateOrUpdate",
     "roleDefinitions/write", put_role, "Creates or updates a custom role."},
    {Method::kDelete, "roleDefinitions/{name}", "RoleDefinitions_Delete", "roleDefinitions/delete",
     delete_role, "Deletes a custom role."},
    {Method::kGet, "denyAssignments", "DenyAssignments_ListForScope", "denyAssignments/read",
     list_denials, "Lists deny assignments at, above and below a scope."},
    {Method::kGet, "denyAssignments/{name}", "DenyAssignments_Get", "denyAssignments/read",
     get_denial, "Gets a deny assignment."},
    {Method::kPut, "denyAssignments/{name}", "DenyAssignments_CreateOrUpdate",
     "denyAssignments/write", put_denial, "Creates or updates a deny assignment."},
    {Method::kDelete, "denyAssignments/{name}", "DenyAssignments_Delete", "denyAssignments/delete",
     delete_denial, "Deletes a deny assignment that is not the system's."},
    {Method::kGet, "permissions", "Permissions_ListForScope", "permissions/read", list_permissions,
     "Lists what the caller may do on a scope."},
    {Method::kPost, "checkAccess", "CheckAccess", "checkAccess/action", check_access,
     "Decides about actions on a scope, with the reasons."},
};

constexpr const char* kGroups = "/providers/Microsoft.Management/managementGroups";
constexpr Entry kGroupEntries[] = {
    {Method::kGet, "", "ManagementGroups_List", "read", list_groups,
     "Lists the management groups the caller may read."},
    {Method::kGet, "/{group}", "ManagementGroups_Get", "read", get_group,
     "Gets a management group."},
    {Method::kPut, "/{group}", "ManagementGroups_CreateOrUpdate", "write", put_group,
     "Creates or updates a management group."},
    {Method::kPatch, "/{group}", "ManagementGroups_Update", "write", patch_group,
     "Renames or moves a management group."},
    {Method::kDelete, "/{group}", "ManagementGroups_Delete", "delete", delete_group,
     "Deletes an empty management group."},
    {Method::kGet, "/{group}/subscriptions",
     "ManagementGroupSubscriptions_GetSubscriptionsUnderManagementGroup", "subscriptions/read",
     list_group_subscriptions, "Lists the subscriptions of a management group."},
    {Method::kGet, "/{group}/subscriptions/{sub}", "ManagementGroupSubscriptions_GetSubscription",
     "subscriptions/read", get_group_subscription, "Gets a subscription of a management group."},
    {Method::kPut, "/{group}/subscriptions/{sub}", "ManagementGroupSubscriptions_Create",
     "subscriptions/write", put_group_subscription, "Moves a subscription to a management group."},
    {Method::kDelete, "/{group}/subscriptions/{sub}", "ManagementGroupSubscriptions_Delete",
     "subscriptions/delete", delete_group_subscription, "Moves a subscription to the root."},
};

core::Route route_of(const Entry& entry, std::string path, std::string operation, Parts& parts) {
  core::Route route;
  route.method = entry.method;
  route.path = std::move(path);
  route.operation_id = entry.operation_id;
  route.operation = {std::move(operation)};
  route.summary = entry.summary;
  route.handler = [&parts, function = entry.function](Context& context) {
    return function(parts, context);
  };
  return route;
}

void describe_extensions(core::Manifest& manifest, Parts& parts) {
  for (const Entry& entry : kExtensions) {
    core::Route route = route_of(entry, cat({kExtension, entry.path}),
                                 cat({"Microsoft.Authorization/", entry.operation}), parts);
    route.scope = [](const Context& context) -> Result<std::string> { return scope_of(context); };
    // Conditions on delegation ask for what the body or the stored assignment says.
    route.conditions_in_handler =
        entry.function == put_assignment || entry.function == delete_assignment;
    // Everybody may ask about itself; check_access requires more for others.
    route.any_caller = entry.function == list_permissions || entry.function == check_access;
    manifest.routes.push_back(std::move(route));
  }
}

void describe_groups(core::Manifest& manifest, Parts& parts) {
  for (const Entry& entry : kGroupEntries) {
    core::Route route =
        route_of(entry, cat({kGroups, entry.path}),
                 cat({"Microsoft.Management/managementGroups/", entry.operation}), parts);
    route.scope = [](const Context& context) -> Result<std::string> {
      return group_id(context.param("group"));
    };
    route.any_caller = entry.function == list_groups;  // shows each what it may read
    manifest.routes.push_back(std::move(route));
  }
}

}  // namespace

void describe_routes(core::Manifest& manifest, Parts& parts) {
  describe_extensions(manifest, parts);
  describe_groups(manifest, parts);
  auto missing = [&](Method method, std::string path, std::string id, std::string operation) {
    manifest.unimplemented(Host::kManagement, method, std::move(path), std::move(id),
                           {std::move(operation)});
  };
  missing(Method::kPost, "/providers/Microsoft.Authorization/elevateAccess",
          "GlobalAdministrator_ElevateAccess", "Microsoft.Authorization/elevateAccess/action");
  missing(Method::kGet, "/providers/Microsoft.Authorization/providerOperations",
          "ProviderOperationsMetadata_List", "Microsoft.Authorization/providerOperations/read");
  missing(Method::kGet, "/providers/Microsoft.Authorization/providerOperations/{provider}",
          "ProviderOperationsMetadata_Get", "Microsoft.Authorization/providerOperations/read");
  missing(Method::kPost, "/providers/Microsoft.Management/getEntities", "Entities_List",
          "Microsoft.Management/getEntities/action");
  missing(Method::kGet, cat({kGroups, "/{group}/descendants"}), "ManagementGroups_GetDescendants",
          "Microsoft.Management/managementGroups/descendants/read");
  missing(Method::kGet, cat({kExtension, "roleEligibilityScheduleInstances"}),
          "RoleEligibilityScheduleInstances_ListForScope",
          "Microsoft.Authorization/roleEligibilityScheduleInstances/read");
  missing(Method::kGet, cat({kExtension, "roleAssignmentScheduleInstances"}),
          "RoleAssignmentScheduleInstances_ListForScope",
          "Microsoft.Authorization/roleAssignmentScheduleInstances/read");
}

}  // namespace lazuli::authorization
