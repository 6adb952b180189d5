// SPDX-License-Identifier: Apache-2.0
#include "services/resources/service.h"

#include "services/resources/handlers.h"

namespace lazuli::resources {
namespace {

using core::Host;
using http::Method;

constexpr std::string_view kGroup = "/subscriptions/{sub}/resourceGroups/{rg}";
constexpr std::string_view kMlLocation =
    "/subscriptions/{sub}/providers/Microsoft.MachineLearningServices/locations/{location}";

class Resources final : public core::Service {
 public:
  explicit Resources(const core::Installation& installation)
      : parts_{installation, nullptr, nullptr} {}

  void describe(core::Manifest& manifest) const override {
    manifest.service = "resources";
    manifest.migrations = Store::migrations();
    manifest.resource_types = {{"Microsoft.Resources/resourceGroups", {}, {}}};
    describe_metadata(manifest);
    describe_subscriptions(manifest);
    describe_groups(manifest);
    describe_operations(manifest);
    describe_missing(manifest);
  }

  Result<void> start(const core::ServiceContext& context) override {
    parts_.store = std::make_unique<Store>(context.db);
    parts_.operations = &context.operations;
    TRY(parts_.store->put({parts_.installation.subscription_id, parts_.installation.resource_group,
                           parts_.installation.region}));
    return {};
  }

  void stop() noexcept override {}

 private:
  using Function = Answer (*)(const Parts&, Context&);

  core::Route& add(core::Manifest& manifest, Method method, std::string path, std::string id,
                   std::string operation, Function function, std::string summary) const {
    core::Route route;
    route.method = method;
    route.path = std::move(path);
    route.operation_id = std::move(id);
    route.operation = {std::move(operation)};
    route.handler = [this, function](Context& context) { return function(parts_, context); };
    route.summary = std::move(summary);
    manifest.routes.push_back(std::move(route));
    return manifest.routes.back();
  }

  void describe_metadata(core::Manifest& manifest) const {
    core::Route& route =
        add(manifest, Method::kGet, "/metadata/endpoints", "Metadata_Endpoints", "", get_metadata,
            "The cloud's endpoints, for clients' cloud settings.");
    route.anonymous = true;
    route.pool = http::Pool::kInline;
  }

  void describe_subscriptions(core::Manifest& manifest) const {
    add(manifest, Method::kGet, "/tenants", "Tenants_List", "Microsoft.Resources/tenants/read",
        list_tenants, "Lists the tenants.");
    add(manifest, Method::kGet, "/subscriptions", "Subscriptions_List",
        "Microsoft.Resources/subscriptions/read", list_subscriptions, "Lists the subscriptions.");
    add(manifest, Method::kGet, "/subscriptions/{sub}", "Subscriptions_Get",
        "Microsoft.Resources/subscriptions/read", get_subscription, "Gets a subscription.");
    add(manifest, Method::kGet, "/subscriptions/{sub}/locations", "Subscriptions_ListLocations",
        "Microsoft.Resources/subscriptions/locations/read", list_locations,
        "Lists the regions of a subscription.");
    add(manifest, Method::kGet, "/subscriptions/{sub}/providers", "Providers_List",
        "Microsoft.Resources/subscriptions/providers/read", list_providers,
        "Lists the resource providers.");
    add(manifest, Method::kGet, "/subscriptions/{sub}/providers/{namespace}", "Providers_Get",
        "Microsoft.Resources/subscriptions/providers/read", get_provider,
        "Gets a resource provider.");
    add(manifest, Method::kPost, "/subscriptions/{sub}/providers/{namespace}/register",
        "Providers_Register", "Microsoft.Resources/subscriptions/providers/register/action",
        get_provider, "Registers a provider: all are registered from the start.");
  }

  void describe_groups(core::Manifest& manifest) const {
    const std::string read = "Microsoft.Resources/subscriptions/resourceGroups/read";
    add(manifest, Method::kGet, "/subscriptions/{sub}/resourceGroups", "ResourceGroups_List", read,
        list_groups, "Lists the resource groups.");
    add(manifest, Method::kGet, std::string(kGroup), "ResourceGroups_Get", read, get_group,
        "Gets a resource group.");
    add(manifest, Method::kHead, std::string(kGroup), "ResourceGroups_CheckExistence", read,
        head_group, "Tells whether a resource group exists.");
    add(manifest, Method::kPut, std::string(kGroup), "ResourceGroups_CreateOrUpdate",
        "Microsoft.Resources/subscriptions/resourceGroups/write", put_group,
        "Creates or updates a resource group.");
  }

  void describe_operations(core::Manifest& manifest) const {
    const std::string read = "Microsoft.MachineLearningServices/locations/mfeOperationsStatus/read";
    add(manifest, Method::kGet, std::string(kMlLocation) + "/mfeOperationsStatus/{operation}",
        "MfeOperationsStatus_Get", read, get_operation_status,
        "The state of a long-running operation.");
    add(manifest, Method::kGet, std::string(kMlLocation) + "/mfeOperationResults/{operation}",
        "MfeOperationResults_Get", read, get_operation_result,
        "The end of a long-running operation.");
  }

  void describe_missing(core::Manifest& manifest) const {
    const std::string groups = "Microsoft.Resources/subscriptions/resourceGroups";
    const std::string deployments =
        std::string(kGroup) + "/providers/Microsoft.Resources/deployments/{deployment}";
    auto missing = [&](Method method, std::string path, std::string id, std::string operation) {
      manifest.unimplemented(Host::kManagement, method, std::move(path), std::move(id),
                             {std::move(operation)});
    };
    missing(Method::kDelete, std::string(kGroup), "ResourceGroups_Delete", groups + "/delete");
    missing(Method::kPatch, std::string(kGroup), "ResourceGroups_Update", groups + "/write");
    missing(Method::kGet, std::string(kGroup) + "/resources", "Resources_ListByResourceGroup",
            groups + "/resources/read");
    missing(Method::kGet, "/subscriptions/{sub}/resources", "Resources_List",
            "Microsoft.Resources/subscriptions/resources/read");
    missing(Method::kPut, deployments, "Deployments_CreateOrUpdate",
            "Microsoft.Resources/deployments/write");
    missing(Method::kGet, deployments, "Deployments_Get", "Microsoft.Resources/deployments/read");
    missing(Method::kGet, std::string(kGroup) + "/deployments/{deployment}/operations",
            "DeploymentOperations_List", "Microsoft.Resources/deployments/operations/read");
  }

  Parts parts_;
};

}  // namespace

std::unique_ptr<core::Service> make_resources(const core::Installation& installation) {
  return std::make_unique<Resources>(installation);
}

}  // namespace lazuli::resources
