// SPDX-License-Identifier: Apache-2.0
#include "services/workspace/known_routes.h"

#include "base/strings.h"

namespace lazuli::workspace {
namespace {

using core::Host;
using http::Method;

constexpr std::string_view kProvider = "Microsoft.MachineLearningServices";
constexpr std::string_view kGroup = "/subscriptions/{sub}/resourceGroups/{rg}";
constexpr std::string_view kDataPlane = "/mferp/managementfrontend";

// A collection with the four calls every one has.
struct Collection {
  std::string_view below;  // behind …/workspaces/{ws}
  std::string_view operation_group;
};
constexpr Collection kCollections[] = {
    {"/batchEndpoints", "BatchEndpoints"},
    {"/batchEndpoints/{endpoint}/deployments", "BatchDeployments"},
    {"/serverlessEndpoints", "ServerlessEndpoints"},
    {"/marketplaceSubscriptions", "MarketplaceSubscriptions"},
    {"/inferencePools", "InferencePools"},
    {"/featuresets", "FeaturesetContainers"},
    {"/featuresets/{set}/versions", "FeaturesetVersions"},
    {"/featurestoreEntities", "FeaturestoreEntityContainers"},
    {"/featurestoreEntities/{entity}/versions", "FeaturestoreEntityVersions"},
    {"/labelingJobs", "LabelingJobs"},
    {"/indexes", "Indexes"},
    {"/capabilityHosts", "CapabilityHosts"},
};

struct Action {
  std::string_view below, operation, operation_id;
};
constexpr Action kActions[] = {
    {"/batchEndpoints/{name}/listKeys", "batchEndpoints/listKeys/action",
     "BatchEndpoints_ListKeys"},
    {"/featuresets/{set}/versions/{name}/backfill", "featuresets/versions/backfill/action",
     "FeaturesetVersions_Backfill"},
    {"/labelingJobs/{name}/exportLabels", "labelingJobs/exportLabels/action",
     "LabelingJobs_ExportLabels"},
    {"/labelingJobs/{name}/pause", "labelingJobs/write", "LabelingJobs_Pause"},
    {"/labelingJobs/{name}/resume", "labelingJobs/write", "LabelingJobs_Resume"},
};

// "/batchEndpoints/{endpoint}/deployments" → "batchEndpoints/deployments"
std::string type_of(std::string_view below) {
  std::vector<std::string> parts;
  for (std::string_view part : split(below, '/'))
    if (!part.empty() && part.front() != '{') parts.emplace_back(part);
  return join(parts, "/");
}

void declare_collections(core::Manifest& manifest) {
  const std::string workspace = cat({kGroup, "/providers/", kProvider, "/workspaces/{ws}"});
  const std::string operations = cat({kProvider, "/workspaces/"});
  for (const Collection& collection : kCollections) {
    const std::string path = workspace + std::string(collection.below);
    const std::string type = operations + type_of(collection.below);
    auto declare = [&](Method method, std::string_view below, std::string_view verb,
                       std::string_view name) {
      manifest.unimplemented(Host::kManagement, method, cat({path, below}),
                             cat({collection.operation_group, "_", name}),
                             {cat({type, "/", verb})});
    };
    declare(Method::kGet, "", "read", "List");
    declare(Method::kGet, "/{name}", "read", "Get");
    declare(Method::kPut, "/{name}", "write", "CreateOrUpdate");
    declare(Method::kPatch, "/{name}", "write", "Update");
    declare(Method::kDelete, "/{name}", "delete", "Delete");
  }
  for (const Action& action : kActions)
    manifest.unimplemented(Host::kManagement, Method::kPost, cat({workspace, action.below}),
                           std::string(action.operation_id),
                           {operations + std::string(action.operation)});
}

// Registries: the ARM resource, its assets on both planes, and where a client asks for them.
void declare_registries(core::Manifest& manifest, const core::ScopeOf& installation_scope) {
  const std::string registries = cat({kGroup, "/providers/", kProvider, "/registries"});
  const std::string operations = cat({kProvider, "/registries/"});
  struct Call {
    Method method;
    std::string_view verb, name;
  };
  constexpr Call kCalls[] = {{Method::kGet, "read", "Get"},
                             {Method::kPut, "write", "CreateOrUpdate"},
                             {Method::kPatch, "write", "Update"},
                             {Method::kPost, "write", "Post"},
                             {Method::kDelete, "delete", "Delete"}};
  manifest.unimplemented(Host::kManagement, Method::kGet, registries, "Registries_List",
                         {operations + "read"});
  for (const Call& call : kCalls) {
    if (call.method != Method::kPost)
      manifest.unimplemented(Host::kManagement, call.method, registries + "/{registry}",
                             cat({"Registries_", call.name}), {cat({operations, call.verb})});
    for (Host host : {Host::kManagement, Host::kApi}) {
      const std::string prefix(host == Host::kApi ? kDataPlane : std::string_view());
      manifest.unimplemented(host, call.method, cat({prefix, registries, "/{registry}/{rest*}"}),
                             cat({"RegistryAssets_", call.name}),
                             {cat({operations, "assets/", call.verb})});
    }
  }
  manifest.unimplemented(Host::kApi, Method::kGet,
                         "/registrymanagement/v1.0/registries/{registry}/discovery",
                         "RegistryManagement_Discovery", {operations + "read"});
  manifest.routes.back().scope = installation_scope;
}

void declare_locations(core::Manifest& manifest) {
  const std::string location =
      cat({"/subscriptions/{sub}/providers/", kProvider, "/locations/{location}"});
  auto declare = [&](Method method, std::string_view below, std::string_view operation,
                     std::string_view id) {
    manifest.unimplemented(Host::kManagement, method, cat({location, below}), std::string(id),
                           {cat({kProvider, "/locations/", operation})});
  };
  declare(Method::kGet, "/usages", "usages/read", "Usages_List");
  declare(Method::kGet, "/vmSizes", "vmsizes/read", "VirtualMachineSizes_List");
  declare(Method::kGet, "/quotas", "quotas/read", "Quotas_List");
  declare(Method::kPost, "/updateQuotas", "updateQuotas/action", "Quotas_Update");
}

}  // namespace

void declare_known(core::Manifest& manifest, const core::ScopeOf& installation_scope) {
  declare_collections(manifest);
  declare_registries(manifest, installation_scope);
  declare_locations(manifest);
  manifest.unimplemented(Host::kApi, Method::kGet,
                         cat({kDataPlane, kGroup, "/providers/", kProvider,
                              "/workspaces/{ws}/batchEndpoints/{endpoint}/jobs"}),
                         "BatchJobEndpoint_List",
                         {cat({kProvider, "/workspaces/batchEndpoints/jobs/read"})});
  manifest.routes.back().credentials = {core::Credential::kArmToken, core::Credential::kMlToken};
}

}  // namespace lazuli::workspace
