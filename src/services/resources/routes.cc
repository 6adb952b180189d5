// SPDX-License-Identifier: Apache-2.0
#include "services/resources/routes.h"

#include "base/strings.h"

namespace lazuli::resources {
namespace {

using core::Host;
using http::Method;

constexpr std::string_view kGroup = "/subscriptions/{sub}/resourceGroups/{rg}";
constexpr std::string_view kMlLocation =
    "/subscriptions/{sub}/providers/Microsoft.MachineLearningServices/locations/{location}";
constexpr std::string_view kGroups = "Microsoft.Resources/subscriptions/resourceGroups";

struct Describer {
  core::Manifest& manifest;
  const Parts& parts;

  core::Route& add(Method method, std::string path, std::string_view id, std::string_view operation,
                   Function function, std::string_view summary) const {
    return add_route(manifest, parts, {method, std::move(path), id, operation, function, summary});
  }

  void metadata() const {
    add(Method::kGet, "/metadata/endpoints", "Metadata_Endpoints", "", get_metadata,
        "The cloud's endpoints, for clients' cloud settings.")
        .pool = http::Pool::kInline;
  }

  void subscriptions() const {
    // Where clients begin, whatever their roles: each caller sees their own.
    add(Method::kGet, "/tenants", "Tenants_List", "Microsoft.Resources/tenants/read", list_tenants,
        "Lists the tenants.")
        .any_caller = true;
    add(Method::kGet, "/subscriptions", "Subscriptions_List",
        "Microsoft.Resources/subscriptions/read", list_subscriptions, "Lists the subscriptions.")
        .any_caller = true;
    add(Method::kGet, "/subscriptions/{sub}", "Subscriptions_Get",
        "Microsoft.Resources/subscriptions/read", get_subscription, "Gets a subscription.");
    add(Method::kGet, "/subscriptions/{sub}/locations", "Subscriptions_ListLocations",
        "Microsoft.Resources/subscriptions/locations/read", list_locations,
        "Lists the regions of a subscription.");
    add(Method::kGet, "/subscriptions/{sub}/providers", "Providers_List",
        "Microsoft.Resources/subscriptions/providers/read", list_providers,
        "Lists the resource providers.");
    add(Method::kGet, "/subscriptions/{sub}/providers/{namespace}", "Providers_Get",
        "Microsoft.Resources/subscriptions/providers/read", get_provider,
        "Gets a resource provider.");
    for (std::string_view verb : {"register", "unregister"})
      add(Method::kPost, cat({"/subscriptions/{sub}/providers/{namespace}/", verb}),
          verb == "register" ? "Providers_Register" : "Providers_Unregister",
          cat({"Microsoft.Resources/subscriptions/providers/", verb, "/action"}),
          verb == "register" ? get_provider : unregister_provider,
          "Registers a provider: all are registered from the start.");
  }

  void groups() const {
    const std::string read = cat({kGroups, "/read"});
    add(Method::kGet, "/subscriptions/{sub}/resourceGroups", "ResourceGroups_List", read,
        list_groups, "Lists the resource groups that the caller may read.")
        .any_caller = true;
    add(Method::kGet, std::string(kGroup), "ResourceGroups_Get", read, get_group,
        "Gets a resource group.");
    add(Method::kHead, std::string(kGroup), "ResourceGroups_CheckExistence", read, head_group,
        "Tells whether a resource group exists.");
    add(Method::kPut, std::string(kGroup), "ResourceGroups_CreateOrUpdate",
        cat({kGroups, "/write"}), put_group, "Creates or updates a resource group.");
    add(Method::kPatch, std::string(kGroup), "ResourceGroups_Update", cat({kGroups, "/write"}),
        patch_group, "Updates a resource group's tags.");
    add(Method::kDelete, std::string(kGroup), "ResourceGroups_Delete", cat({kGroups, "/delete"}),
        delete_group, "Deletes a resource group with all its resources, or nothing.");
    add(Method::kGet, cat({kGroup, "/resources"}), "Resources_ListByResourceGroup",
        cat({kGroups, "/resources/read"}), list_group_resources, "Lists the resources of a group.");
    add(Method::kGet, "/subscriptions/{sub}/resources", "Resources_List",
        "Microsoft.Resources/subscriptions/resources/read", list_subscription_resources,
        "Lists the resources of a subscription.");
  }

  void locks_and_tags() const {
    constexpr std::string_view kLocks = "/{scope*}/providers/Microsoft.Authorization/locks";
    const std::string lock = cat({kLocks, "/{lock}"});
    const std::string locks = "Microsoft.Authorization/locks/";
    add(Method::kGet, std::string(kLocks), "ManagementLocks_ListByScope", locks + "read",
        list_locks, "Lists the locks of a scope.");
    add(Method::kGet, lock, "ManagementLocks_GetByScope", locks + "read", get_lock, "Gets a lock.");
    add(Method::kPut, lock, "ManagementLocks_CreateOrUpdateByScope", locks + "write", put_lock,
        "Locks a subscription, a group or a resource.");
    add(Method::kDelete, lock, "ManagementLocks_DeleteByScope", locks + "delete", delete_lock,
        "Removes a lock.");
    const std::string tags = "/{scope*}/providers/Microsoft.Resources/tags/default";
    const std::string permission = "Microsoft.Resources/tags/";
    add(Method::kGet, tags, "Tags_GetAtScope", permission + "read", get_tags, "Gets the tags.");
    add(Method::kPut, tags, "Tags_CreateOrUpdateAtScope", permission + "write", put_tags,
        "Replaces the tags.");
    add(Method::kPatch, tags, "Tags_UpdateAtScope", permission + "write", patch_tags,
        "Merges, replaces or deletes tags.");
    add(Method::kDelete, tags, "Tags_DeleteAtScope", permission + "delete", delete_tags,
        "Deletes all tags.");
  }

  void activity() const {
    add(Method::kGet,
        "/subscriptions/{sub}/providers/Microsoft.Insights/eventtypes/management/values",
        "ActivityLogs_List", "Microsoft.Insights/eventtypes/values/read", list_activity,
        "Lists what has been written, released and denied.");
  }

  void operations() const {
    const std::string read = "Microsoft.MachineLearningServices/locations/mfeOperationsStatus/read";
    add(Method::kGet, cat({kMlLocation, "/mfeOperationsStatus/{operation}"}),
        "MfeOperationsStatus_Get", read, get_operation_status,
        "The state of a long-running operation.");
    add(Method::kGet, cat({kMlLocation, "/mfeOperationResults/{operation}"}),
        "MfeOperationResults_Get", read, get_operation_result,
        "The end of a long-running operation.");
  }

  void missing() const {
    manifest.unimplemented(Host::kManagement, Method::kPost, cat({kGroup, "/exportTemplate"}),
                           "ResourceGroups_ExportTemplate",
                           {cat({kGroups, "/exportTemplate/action"})});
    manifest.unimplemented(Host::kManagement, Method::kPost, cat({kGroup, "/moveResources"}),
                           "Resources_MoveResources", {cat({kGroups, "/moveResources/action"})});
    manifest.unimplemented(
        Host::kManagement, Method::kPost, cat({kGroup, "/validateMoveResources"}),
        "Resources_ValidateMoveResources", {cat({kGroups, "/validateMoveResources/action"})});
  }
};

}  // namespace

core::Route& add_route(core::Manifest& manifest, const Parts& parts, const RouteEntry& entry) {
  core::Route route;
  route.method = entry.method;
  route.path = entry.path;
  route.operation_id = entry.operation_id;
  route.operation = {std::string(entry.operation)};
  route.anonymous = entry.operation.empty();
  route.handler = [&parts, function = entry.function](Context& context) {
    return function(parts, context);
  };
  route.summary = entry.summary;
  manifest.routes.push_back(std::move(route));
  return manifest.routes.back();
}

void describe_routes(core::Manifest& manifest, const Parts& parts) {
  const Describer describer{manifest, parts};
  describer.metadata();
  describer.subscriptions();
  describer.groups();
  describer.locks_and_tags();
  describer.activity();
  describer.operations();
  describer.missing();
  describe_deployments(manifest, parts);
}

}  // namespace lazuli::resources
