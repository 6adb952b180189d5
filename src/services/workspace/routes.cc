// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "services/workspace/handlers.h"
#include "services/workspace/known_routes.h"
#include "services/workspace/service.h"
#include "services/workspace/store.h"

namespace lazuli::workspace {
namespace {

using core::Host;
using http::Method;

constexpr std::string_view kSubscription = "/subscriptions/{sub}";
constexpr std::string_view kGroup = "/subscriptions/{sub}/resourceGroups/{rg}";
constexpr std::string_view kCollection = "/providers/Microsoft.MachineLearningServices/workspaces";
constexpr std::string_view kOperations = "Microsoft.MachineLearningServices/workspaces";

using Function = Answer (*)(Registry&, Context&);

struct Entry {
  Method method;
  std::string_view below;      // the path behind …/workspaces/{ws}
  std::string_view operation;  // behind the type's name
  std::string_view operation_id;
  Function function;
  std::string_view summary;
};

const Entry kEntries[] = {
    {Method::kGet, "", "/read", "Workspaces_Get", get_workspace, "Gets a workspace."},
    {Method::kPut, "", "/write", "Workspaces_CreateOrUpdate", put_workspace,
     "Updates a workspace."},
    {Method::kPatch, "", "/write", "Workspaces_Update", patch_workspace, "Updates a workspace."},
    {Method::kDelete, "", "/delete", "Workspaces_Delete", delete_workspace,
     "Deletes a workspace with its jobs and assets, not its storage account."},
    {Method::kPost, "/listKeys", "/listKeys/action", "Workspaces_ListKeys", list_workspace_keys,
     "Lists the keys of a workspace's resources."},
    {Method::kGet, "/datastores", "/datastores/read", "Datastores_List", list_datastores,
     "Lists datastores."},
    {Method::kGet, "/datastores/{name}", "/datastores/read", "Datastores_Get", get_datastore,
     "Gets a datastore."},
    {Method::kPut, "/datastores/{name}", "/datastores/write", "Datastores_CreateOrUpdate",
     put_datastore, "Creates or updates a datastore."},
    {Method::kDelete, "/datastores/{name}", "/datastores/delete", "Datastores_Delete",
     delete_datastore, "Deletes a datastore, not its data."},
    {Method::kPost, "/datastores/{name}/listSecrets", "/datastores/listSecrets/action",
     "Datastores_ListSecrets", list_datastore_secrets, "Releases a datastore's secret."},
    {Method::kGet, "/computes", "/computes/read", "Compute_List", list_computes, "Lists computes."},
    {Method::kGet, "/computes/{name}", "/computes/read", "Compute_Get", get_compute,
     "Gets a compute."},
    {Method::kPut, "/computes/{name}", "/computes/write", "Compute_CreateOrUpdate", put_compute,
     "Creates or updates a compute."},
    {Method::kDelete, "/computes/{name}", "/computes/delete", "Compute_Delete", delete_compute,
     "Deletes a compute."},
};

struct Missing {
  Method method;
  std::string_view below, operation, operation_id;
};

const Missing kMissing[] = {
    {Method::kPost, "/diagnose", "/diagnose/action", "Workspaces_Diagnose"},
    {Method::kPost, "/resyncKeys", "/resynckeys/action", "Workspaces_ResyncKeys"},
    {Method::kPost, "/listNotebookKeys", "/listNotebookKeys/action", "Workspaces_ListNotebookKeys"},
    {Method::kPost, "/listStorageAccountKeys", "/listStorageAccountKeys/action",
     "Workspaces_ListStorageAccountKeys"},
    {Method::kPost, "/prepareNotebook", "/notebooks/storage/upload/action",
     "Workspaces_PrepareNotebook"},
    {Method::kGet, "/outboundNetworkDependenciesEndpoints",
     "/outboundNetworkDependenciesEndpoints/read",
     "Workspaces_ListOutboundNetworkDependenciesEndpoints"},
    {Method::kGet, "/outboundRules", "/outboundRules/read", "ManagedNetworkSettingsRule_List"},
    {Method::kGet, "/outboundRules/{name}", "/outboundRules/read",
     "ManagedNetworkSettingsRule_Get"},
    {Method::kPut, "/outboundRules/{name}", "/outboundRules/write",
     "ManagedNetworkSettingsRule_CreateOrUpdate"},
    {Method::kDelete, "/outboundRules/{name}", "/outboundRules/delete",
     "ManagedNetworkSettingsRule_Delete"},
    {Method::kPost, "/provisionManagedNetwork", "/write",
     "ManagedNetworkProvisions_ProvisionManagedNetwork"},
    {Method::kGet, "/privateEndpointConnections", "/privateEndpointConnections/read",
     "PrivateEndpointConnections_List"},
    {Method::kGet, "/privateLinkResources", "/privateLinkResources/read",
     "PrivateLinkResources_List"},
    {Method::kGet, "/features", "/features/read", "WorkspaceFeatures_List"},
    {Method::kGet, "/connections", "/connections/read", "WorkspaceConnections_List"},
    {Method::kGet, "/connections/{name}", "/connections/read", "WorkspaceConnections_Get"},
    {Method::kPut, "/connections/{name}", "/connections/write", "WorkspaceConnections_Create"},
    {Method::kPatch, "/connections/{name}", "/connections/write", "WorkspaceConnections_Update"},
    {Method::kDelete, "/connections/{name}", "/connections/delete", "WorkspaceConnections_Delete"},
    {Method::kPost, "/connections/{name}/listsecrets", "/connections/listsecrets/action",
     "WorkspaceConnections_ListSecrets"},
    {Method::kPatch, "/computes/{name}", "/computes/write", "Compute_Update"},
    {Method::kPost, "/computes/{name}/start", "/computes/start/action", "Compute_Start"},
    {Method::kPost, "/computes/{name}/stop", "/computes/stop/action", "Compute_Stop"},
    {Method::kPost, "/computes/{name}/restart", "/computes/restart/action", "Compute_Restart"},
    {Method::kPost, "/computes/{name}/listNodes", "/computes/listNodes/action",
     "Compute_ListNodes"},
    {Method::kPost, "/computes/{name}/listKeys", "/computes/listKeys/action", "Compute_ListKeys"},
    {Method::kPost, "/computes/{name}/enableSso", "/computes/enableSso/action",
     "Compute_UpdateSsoSettings"},
};

}  // namespace

void WorkspaceService::describe(core::Manifest& manifest) const {
  manifest.service = "workspace";
  manifest.depends_on = {"storage", "directory"};
  manifest.migrations = store::migrations();
  for (std::string_view below : {"", "/datastores", "/computes"})
    manifest.resource_types.push_back({cat({kOperations, below}), {}, {}});

  auto add = [&](Method method, std::string path, const Entry& entry) -> core::Route& {
    return manifest.add({method, std::move(path), cat({kOperations, entry.operation}),
                         std::string(entry.operation_id), std::string(entry.summary)},
                        [this, function = entry.function](Context& context) -> Answer {
                          return function(*TRY(registry()), context);
                        });
  };
  const std::string workspace = cat({kGroup, kCollection, "/{ws}"});
  for (const Entry& entry : kEntries) add(entry.method, cat({workspace, entry.below}), entry);
  add(Method::kGet, cat({kGroup, kCollection}),
      {Method::kGet, "", "/read", "Workspaces_ListByResourceGroup", list_workspaces,
       "Lists the workspaces of a resource group."});
  add(Method::kGet, cat({kSubscription, kCollection}),
      {Method::kGet, "", "/read", "Workspaces_ListBySubscription", list_workspaces,
       "Lists the workspaces of a subscription."});
  core::Route& discovery = add(Method::kGet, "/discovery",
                               {Method::kGet, "", "", "Discovery_Get", get_discovery,
                                "Tells where the machine learning data plane is."});
  discovery.host = Host::kApi;
  discovery.operation = {};
  discovery.anonymous = true;

  for (const Missing& missing : kMissing)
    manifest.unimplemented(Host::kManagement, missing.method, cat({workspace, missing.below}),
                           std::string(missing.operation_id),
                           {cat({kOperations, missing.operation})});
  declare_known(manifest, [this](const Context&) -> Result<std::string> {
    return "/subscriptions/" + TRY(registry())->installation().subscription_id;
  });
}

}  // namespace lazuli::workspace
