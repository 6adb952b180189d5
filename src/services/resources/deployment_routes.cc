// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "services/resources/routes.h"

namespace lazuli::resources {
namespace {

using http::Method;

struct ScopePath {
  std::string_view prefix, suffix;  // of the path, and of the operation's name
};
constexpr ScopePath kScopes[] = {
    {"/subscriptions/{sub}/resourceGroups/{rg}", ""},
    {"/subscriptions/{sub}", "AtSubscriptionScope"},
    {"/providers/Microsoft.Management/managementGroups/{mg}", "AtManagementGroupScope"},
    {"", "AtTenantScope"},
};

struct Entry {
  Method method;
  std::string_view below, id, permission;
  Function function;
  std::string_view summary;
};
const Entry kEntries[] = {
    {Method::kGet, "", "Deployments_List", "read", list_deployments, "Lists deployments."},
    {Method::kPut, "/{deployment}", "Deployments_CreateOrUpdate", "write", put_deployment,
     "Deploys a template."},
    {Method::kGet, "/{deployment}", "Deployments_Get", "read", get_deployment,
     "Gets a deployment."},
    {Method::kHead, "/{deployment}", "Deployments_CheckExistence", "read", head_deployment,
     "Tells whether a deployment exists."},
    {Method::kDelete, "/{deployment}", "Deployments_Delete", "delete", delete_deployment,
     "Deletes a deployment from the history."},
    {Method::kPost, "/{deployment}/cancel", "Deployments_Cancel", "cancel/action",
     cancel_deployment, "Cancels a running deployment."},
    {Method::kPost, "/{deployment}/validate", "Deployments_Validate", "validate/action",
     validate_deployment, "Validates a template without deploying it."},
    {Method::kPost, "/{deployment}/whatIf", "Deployments_WhatIf", "whatIf/action",
     what_if_deployment, "Tells what a deployment would change."},
    {Method::kPost, "/{deployment}/exportTemplate", "Deployments_ExportTemplate",
     "exportTemplate/action", export_deployment, "Exports a deployment's template."},
    {Method::kGet, "/{deployment}/operations", "DeploymentOperations_List", "operations/read",
     list_deployment_operations, "Lists a deployment's operations."},
    {Method::kGet, "/{deployment}/operations/{operation}", "DeploymentOperations_Get",
     "operations/read", get_deployment_operation, "Gets a deployment's operation."},
    {Method::kGet, "/{deployment}/operationStatuses/{operation}", "DeploymentOperationStatuses_Get",
     "operationStatuses/read", get_deployment_status, "The state of a running deployment."},
    {Method::kGet, "/{deployment}/operationResults/{operation}", "DeploymentOperationResults_Get",
     "operations/read", get_deployment_result, "The result of a what-if."},
};

Result<std::string> management_group_id(const core::RequestContext& context) {
  return cat({"/providers/Microsoft.Management/managementGroups/", context.param("mg")});
}

}  // namespace

void describe_deployments(core::Manifest& manifest, const Parts& parts) {
  for (const ScopePath& scope : kScopes) {
    const auto add = [&](const Entry& entry, std::string path) {
      const std::string id = cat({entry.id, scope.suffix});
      const std::string operation = cat({"Microsoft.Resources/deployments/", entry.permission});
      core::Route& route =
          add_route(manifest, parts,
                    {entry.method, std::move(path), id, operation, entry.function, entry.summary});
      if (scope.prefix.find("{mg}") != scope.prefix.npos) route.scope = management_group_id;
    };
    for (const Entry& entry : kEntries) {
      add(entry, cat({scope.prefix, "/providers/Microsoft.Resources/deployments", entry.below}));
      // The operations also stand where they did before there were providers.
      if (entry.below.find("/operations") != entry.below.npos && !scope.prefix.empty() &&
          scope.prefix.find("{mg}") == scope.prefix.npos)
        add(entry, cat({scope.prefix, "/deployments", entry.below}));
    }
  }
  add_route(
      manifest, parts,
      {Method::kPost, "/providers/Microsoft.Resources/calculateTemplateHash",
       "Deployments_CalculateTemplateHash", "Microsoft.Resources/calculateTemplateHash/action",
       calculate_template_hash, "Calculates a template's hash."});
}

}  // namespace lazuli::resources
