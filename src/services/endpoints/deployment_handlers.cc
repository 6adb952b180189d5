// SPDX-License-Identifier: Apache-2.0
// Source of shapes: azure-ai-ml azure/ai/ml/operations/_online_deployment_operations.py.
#include "base/strings.h"
#include "core/arm.h"
#include "services/endpoints/handlers.h"

namespace lazuli::endpoints {
namespace {

constexpr int64_t kTailMax = 1000;

std::string_view state_text(DeploymentState state) {
  switch (state) {
    case DeploymentState::kCreating:
      return "Creating";
    case DeploymentState::kSucceeded:
      return "Succeeded";
    case DeploymentState::kFailed:
      return "Failed";
  }
  return "Failed";
}

Json present(const Endpoint& endpoint, const Deployment& deployment) {
  Json properties = deployment.properties;
  properties.set("provisioningState", state_text(deployment.state));
  // The client reads these two without looking whether they are there.
  if (!properties["scaleSettings"].is_object())
    properties.set("scaleSettings", Json::object({{"scaleType", "Default"}}));
  Json sku = deployment.sku;
  if (!sku.is_object()) sku = Json::object({{"name", "Default"}, {"capacity", 1}});
  Json json =
      core::arm_envelope(deployment_id(deployment), deployment.system_data, std::move(properties));
  json.set("location", endpoint.location).set("tags", deployment.tags).set("sku", std::move(sku));
  return json;
}

Result<Deployment> deployment_of_path(Manager& manager, const Context& context,
                                      const Endpoint& endpoint) {
  auto found = TRY(manager.store().deployment(endpoint.name, context.param("deployment")));
  if (!found)
    return not_found(cat({"The deployment '", context.param("deployment"),
                          "' does not exist in the endpoint '", endpoint.name, "'."}),
                     "ResourceNotFound");
  return *found;
}

Result<void> check_properties(const Json& properties) {
  if (properties["codeConfiguration"].is_object())
    return unimplemented(
        "scoring scripts (code_configuration) are not implemented yet: deploy an "
        "ONNX model without one");
  if (properties["model"].str().empty()) return invalid_argument("the deployment needs a model");
  return {};
}

}  // namespace

Answer list_deployments(Manager& manager, Context& context) {
  Endpoint endpoint = TRY(endpoint_of_path(manager, context));
  Json::Array items;
  for (const Deployment& deployment : TRY(manager.store().deployments(endpoint.name)))
    items.push_back(present(endpoint, deployment));
  return core::json_response(core::arm_list(std::move(items)));
}

Answer get_deployment(Manager& manager, Context& context) {
  Endpoint endpoint = TRY(endpoint_of_path(manager, context));
  return core::json_response(
      present(endpoint, TRY(deployment_of_path(manager, context, endpoint))));
}

// The model is looked up now, so that a wrong name is told at once, and its files must be within
// the caller's reach; it is loaded in the background.
Answer put_deployment(Manager& manager, Context& context) {
  Endpoint endpoint = TRY(endpoint_of_path(manager, context));
  Json body = TRY(context.json());
  const Json& properties = body["properties"];
  TRY(check_properties(properties));
  assets::AssetVersion model = TRY(manager.peers().assets.find(
      endpoint.workspace_id, assets::Kind::kModel, properties["model"].str()));
  TRY(manager.peers().workspaces.resolve_uri(endpoint.workspace_id,
                                             model.properties["modelUri"].str(),
                                             workspace::Authority::of(context.principal())));
  auto before = TRY(manager.store().deployment(endpoint.name, context.param("deployment")));
  Deployment deployment = before.value_or(Deployment{});
  deployment.workspace_id = endpoint.workspace_id;
  deployment.endpoint = endpoint.name;
  deployment.name = context.param("deployment");
  deployment.properties = properties;
  // A label may mean another version at the next start.
  deployment.properties.set("model", model.arm_id);
  deployment.sku = body["sku"];
  deployment.tags = body["tags"].is_object() ? body["tags"] : Json::object();
  const std::string& by = context.principal().name();
  if (!before) deployment.system_data = {by, by, now(), now()};
  deployment.system_data.last_modified_by = by;
  deployment.system_data.last_modified_at = now();
  std::string operation = TRY(manager.put_deployment(deployment));
  deployment.state = DeploymentState::kCreating;
  http::Response response = core::json_response(present(endpoint, deployment), before ? 200 : 201);
  core::add_polling_headers(context, operation, response);
  return response;
}

Answer delete_deployment(Manager& manager, Context& context) {
  Endpoint endpoint = TRY(endpoint_of_path(manager, context));
  auto found = TRY(manager.store().deployment(endpoint.name, context.param("deployment")));
  if (!found) return http::Response(204);
  if (endpoint.traffic[found->name].integer() > 0)
    return invalid_argument(
        cat({"the deployment '", found->name, "' has ", endpoint.traffic[found->name].text(),
             "% of the traffic; set it to 0 first"}),
        "DeploymentHasTraffic");
  std::string operation = TRY(manager.remove_deployment(*found));
  http::Response response(202);
  core::add_polling_headers(context, operation, response);
  return response;
}

Answer get_logs(Manager& manager, Context& context) {
  Endpoint endpoint = TRY(endpoint_of_path(manager, context));
  Deployment deployment = TRY(deployment_of_path(manager, context, endpoint));
  Json body = context.body().empty() ? Json::object() : TRY(context.json());
  int64_t tail = std::clamp<int64_t>(body["tail"].integer(100), 1, kTailMax);
  return core::json_response(
      Json::object({{"content", manager.log(deployment, static_cast<size_t>(tail))}}));
}

}  // namespace lazuli::endpoints
