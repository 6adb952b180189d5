// SPDX-License-Identifier: Apache-2.0
#include "services/resources/deployment_wire.h"

#include <map>
#include <set>

#include "base/strings.h"

namespace lazuli::resources {
namespace {

Json resource_json(const templates::PlannedResource& resource) {
  return Json::object({{"id", resource.id},
                       {"resourceType", resource.type},
                       {"resourceName", resource.name},
                       {"apiVersion", resource.api_version}});
}

std::string correlation_id(const Deployment& deployment) {
  const size_t colon = deployment.run_id.find(':');
  return deployment.run_id.substr(colon == deployment.run_id.npos ? 0 : colon + 1);
}

std::string duration(Timestamp from, Timestamp to) {
  return format_iso8601_duration(std::max<Duration>(to - from, Duration(0)));
}

// The resource of a step, in the plan; null for what a deployment does besides.
const Json* resource_of(const Deployment& deployment, const std::string& step) {
  const auto index = step.starts_with('r') ? parse_int(std::string_view(step).substr(1))
                                           : std::optional<int64_t>();
  const Json::Array& plan = deployment.body["plan"].items();
  if (!index || *index < 0 || static_cast<size_t>(*index) >= plan.size()) return nullptr;
  return &plan[static_cast<size_t>(*index)];
}

std::string_view state_word(workflow::State state) {
  switch (state) {
    case workflow::State::kSucceeded:
      return "Succeeded";
    case workflow::State::kFailed:
      return "Failed";
    case workflow::State::kCanceled:
      return "Canceled";
    default:
      return "Running";
  }
}

std::string_view status_code(const workflow::StepStatus& step) {
  if (!step.error) return step.result["statusCode"].str("OK");
  switch (step.error->code) {
    case Code::kInvalidArgument:
      return "BadRequest";
    case Code::kPermissionDenied:
      return "Forbidden";
    case Code::kNotFound:
      return "NotFound";
    case Code::kUnimplemented:
      return "NotImplemented";
    case Code::kInternal:
      return "InternalServerError";
    default:
      return "Conflict";
  }
}

}  // namespace

Json error_json(const Error& error) {
  Json json = Json::object({{"code", error.wire_code}, {"message", error.message}});
  if (!error.target.empty()) json.set("target", error.target);
  if (error.details.empty()) return json;
  Json details = Json::array();
  for (const Error& detail : error.details) details.push_back(error_json(detail));
  json.set("details", std::move(details));
  return json;
}

Json plan_providers(const templates::Program& program) {
  std::map<std::string, std::set<std::string>> spaces;
  for (const templates::PlannedResource& each : program.resources()) {
    const size_t slash = each.type.find('/');
    if (slash != each.type.npos)
      spaces[each.type.substr(0, slash)].insert(each.type.substr(slash + 1));
  }
  Json providers = Json::array();
  for (const auto& [space, types] : spaces) {
    Json listed = Json::array();
    for (const std::string& type : types)
      listed.push_back(
          Json::object({{"resourceType", type}, {"locations", Json::array({Json()})}}));
    providers.push_back(Json::object({{"namespace", space}, {"resourceTypes", std::move(listed)}}));
  }
  return providers;
}

Json plan_dependencies(const templates::Program& program) {
  Json dependencies = Json::array();
  for (const templates::PlannedResource& each : program.resources()) {
    if (each.after.empty()) continue;
    Json before = Json::array();
    for (size_t index : each.after) before.push_back(resource_json(program.resources()[index]));
    Json entry = resource_json(each);
    entry.set("dependsOn", std::move(before));
    dependencies.push_back(std::move(entry));
  }
  return dependencies;
}

Json deployment_body(const Order& order) {
  Json plan = Json::array(), made = Json::array();
  for (const templates::PlannedResource& each : order.program->resources()) {
    plan.push_back(resource_json(each));
    if (!each.existing) made.push_back(Json::object({{"id", each.id}}));
  }
  return Json::object({{"location", order.location},
                       {"tags", order.tags},
                       {"mode", order.mode},
                       {"template", order.source},
                       {"templateHash", template_hash(order.source)},
                       {"parameters", order.public_parameters},
                       {"providers", plan_providers(*order.program)},
                       {"dependencies", plan_dependencies(*order.program)},
                       {"plan", std::move(plan)},
                       {"outputResources", std::move(made)}});
}

std::string deployment_id(const Deployment& deployment) {
  return cat({deployment.scope, "/providers/Microsoft.Resources/deployments/", deployment.name});
}

Json deployment_json(const Deployment& deployment) {
  const Json& body = deployment.body;
  const bool ended = to_micros(deployment.ended) != 0;
  Json properties =
      Json::object({{"templateHash", body["templateHash"]},
                    {"parameters", body["parameters"]},
                    {"mode", body["mode"]},
                    {"provisioningState", deployment.state},
                    {"timestamp", format_iso8601(ended ? deployment.ended : deployment.created)},
                    {"duration", duration(deployment.created, ended ? deployment.ended : now())},
                    {"correlationId", correlation_id(deployment)},
                    {"providers", body["providers"]},
                    {"dependencies", body["dependencies"]}});
  if (body.contains("outputs")) properties.set("outputs", body["outputs"]);
  if (deployment.state == "Succeeded") properties.set("outputResources", body["outputResources"]);
  if (body.contains("error")) properties.set("error", body["error"]);
  Json json = Json::object({{"id", deployment_id(deployment)},
                            {"name", deployment.name},
                            {"type", "Microsoft.Resources/deployments"}});
  if (!body["location"].str().empty()) json.set("location", body["location"]);
  if (!body["tags"].empty()) json.set("tags", body["tags"]);
  json.set("properties", std::move(properties));
  return json;
}

Json operation_json(const Deployment& deployment, const workflow::StepStatus& step) {
  const Json* resource = resource_of(deployment, step.name);
  const bool ended = to_micros(step.ended) != 0;
  Json properties =
      Json::object({{"provisioningOperation", resource ? "Create" : "EvaluateDeploymentOutput"},
                    {"provisioningState", state_word(step.state)},
                    {"timestamp", format_iso8601(ended ? step.ended : step.started)},
                    {"duration", duration(step.started, ended ? step.ended : now())},
                    {"trackingId", correlation_id(deployment)},
                    {"serviceRequestId", correlation_id(deployment)}});
  if (workflow::is_terminal(step.state)) properties.set("statusCode", status_code(step));
  if (step.error)
    properties.set("statusMessage",
                   Json::object({{"status", "Failed"}, {"error", error_json(*step.error)}}));
  if (resource != nullptr) properties.set("targetResource", *resource);
  return Json::object({{"id", cat({deployment_id(deployment), "/operations/", step.name})},
                       {"operationId", step.name},
                       {"properties", std::move(properties)}});
}

Json failure_json(const Deployment& deployment, const workflow::RunStatus& run) {
  Json details = Json::array();
  for (const workflow::StepStatus& step : run.steps) {
    if (step.state != workflow::State::kFailed || !step.error) continue;
    Json detail = error_json(*step.error);
    if (const Json* resource = resource_of(deployment, step.name))
      detail.set("target", (*resource)["id"]);
    details.push_back(std::move(detail));
  }
  return Json::object(
      {{"code", "DeploymentFailed"},
       {"target", deployment_id(deployment)},
       {"message",
        "At least one resource deployment operation failed. Please list deployment "
        "operations for details. Please see https://aka.ms/arm-deployment-operations "
        "for usage details."},
       {"details", std::move(details)}});
}

}  // namespace lazuli::resources
