// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/resources/deployments
#include "base/ids.h"
#include "base/strings.h"
#include "codec/text.h"
#include "core/arm.h"
#include "core/operations.h"
#include "engines/template/jsonc.h"
#include "services/resources/deployment_runner.h"
#include "services/resources/deployment_wire.h"
#include "services/resources/handlers.h"
#include "services/resources/what_if.h"

namespace lazuli::resources {
namespace {

constexpr const char* kVersion = "2024-03-01";
constexpr size_t kOperationsMax = 1000;
constexpr std::string_view kStates[] = {"Accepted", "Running", "Succeeded", "Failed", "Canceled"};

Result<Deployment> find_deployment(const Parts& parts, const Context& context) {
  const Scope scope = TRY(find_scope(parts, context));
  const std::string& name = context.param("deployment");
  auto found = TRY(parts.deployments->find(scope.id(), name));
  if (!found)
    return not_found(cat({"Deployment '", name.substr(0, 100), "' could not be found."}),
                     "DeploymentNotFound");
  return std::move(*found);
}

// Changes show evaluated bodies, and with them the values of secure parameters.
std::string result_context(const std::string& id) { return "resources.result/" + id; }

Result<Json> read_body(const Context& context) {
  Json body = TRY(templates::parse_jsonc(context.body()));
  if (!body.is_object())
    return invalid_argument("the request body must be a JSON object", "InvalidRequestContent");
  return body;
}

std::string run_uuid(const Deployment& deployment) {
  return deployment.run_id.substr(std::string_view(DeploymentRunner::kRunPrefix).size());
}

std::string status_url(const Context& context, const Deployment& deployment,
                       std::string_view kind) {
  return context.url("management", cat({deployment_id(deployment), "/", kind, "/",
                                        run_uuid(deployment), "?api-version=", kVersion}));
}

bool has_ended(const Deployment& deployment) {
  return deployment.state == "Succeeded" || deployment.state == "Failed" ||
         deployment.state == "Canceled";
}

// provisioningState eq 'Failed', the one filter there is; empty: all.
Result<std::string> filtered_state(std::string_view filter) {
  if (trim(filter).empty()) return std::string();
  std::vector<std::string_view> words;
  for (std::string_view word : split(trim(filter), ' '))
    if (!word.empty()) words.push_back(word);
  const bool good = words.size() == 3 && iequals(words[0], "provisioningState") &&
                    iequals(words[1], "eq") && words[2].size() > 2 && words[2].front() == '\'' &&
                    words[2].back() == '\'';
  if (!good)
    return invalid_argument(cat({"The filter '", filter.substr(0, 200),
                                 "' is not \"provisioningState eq '{state}'\"."}),
                            "InvalidFilterInQueryString");
  const std::string_view wanted = words[2].substr(1, words[2].size() - 2);
  for (std::string_view known : kStates)
    if (iequals(known, wanted)) return std::string(known);
  return invalid_argument(
      cat({"The provisioning state '", wanted.substr(0, 50), "' is none of a deployment's."}),
      "InvalidFilterInQueryString");
}

// What runs on for hours has its caller's rights, so a token that is limited to less (a job's, an
// MLflow token) starts none: whoever reads a deployment's rights must know them.
Result<void> check_unlimited(const core::Principal& caller) {
  if (!caller.grants()) return {};
  return permission_denied("A token that is limited itself cannot start a deployment.",
                           "AuthorizationFailed");
}

// A deployment as it would be, for validate.
Json validated_json(const Order& order) {
  Deployment deployment;
  deployment.scope = order.scope.id();
  deployment.name = order.name;
  deployment.run_id = cat({DeploymentRunner::kRunPrefix, new_uuid()});
  deployment.state = "Succeeded";
  deployment.created = deployment.ended = now();
  deployment.body = deployment_body(order);
  Json json = deployment_json(deployment);
  json["properties"].set("duration", "PT0S");
  json["properties"].erase("outputResources");
  json["properties"].set("validatedResources", deployment.body["outputResources"]);
  return json;
}

}  // namespace

// "Create Or Update": 201 for a new name, else 200; then the status is polled.
Answer put_deployment(const Parts& parts, Context& context) {
  TRY(check_unlimited(context.principal()));
  const Json body = TRY(read_body(context));
  Order order = TRY(read_order(parts, context, body));
  TRY(check_permissions(parts, context.principal(), *order.program));
  Deployment deployment;
  const bool created =
      TRY(parts.runner->submit(context.principal(), context.head().port, order, deployment));
  http::Response response = core::json_response(deployment_json(deployment), created ? 201 : 200);
  response.header("Azure-AsyncOperation", status_url(context, deployment, "operationStatuses"));
  response.header("retry-after-ms", "100");
  return response;
}

Answer get_deployment(const Parts& parts, Context& context) {
  return core::json_response(deployment_json(TRY(find_deployment(parts, context))));
}

// "Check Existence": 204 or 404.
Answer head_deployment(const Parts& parts, Context& context) {
  TRY(find_deployment(parts, context));
  return http::Response(204);
}

// Newest first, a page at a time.
Answer list_deployments(const Parts& parts, Context& context) {
  const Scope scope = TRY(find_scope(parts, context));
  const core::Page page = TRY(core::page_of(context));
  const std::string state = TRY(filtered_state(context.query_or("$filter", "")));
  auto found = TRY(parts.deployments->list(scope.id(), state, {page.skip, page.top + 1}));
  const bool more = found.size() > page.top;
  if (more) found.pop_back();
  Json::Array items;
  for (const Deployment& each : found) items.push_back(deployment_json(each));
  return core::json_response(
      core::arm_list(std::move(items), more ? core::next_link(context, page) : std::string()));
}

// The history's entry alone: the resources stay.
Answer delete_deployment(const Parts& parts, Context& context) {
  auto deployment = find_deployment(parts, context);
  if (!deployment.ok() && deployment.error().wire_code == "DeploymentNotFound")
    return http::Response(204);
  if (!deployment.ok()) return std::move(deployment).error();
  if (!has_ended(*deployment))
    return conflict(cat({"The deployment '", deployment->name, "' is running: cancel it first."}),
                    "DeploymentActive");
  TRY(parts.deployments->erase(deployment->scope, deployment->name, [&](db::Tx& tx) {
    return core::publish_deleted(*parts.events, tx, deployment_id(*deployment));
  }));
  return http::Response(204);
}

Answer cancel_deployment(const Parts& parts, Context& context) {
  const Deployment deployment = TRY(find_deployment(parts, context));
  if (has_ended(deployment))
    return conflict(
        cat({"The deployment '", deployment.name,
             "' cannot be cancelled: its provisioning state is '", deployment.state, "'."}),
        "DeploymentCannotBeCancelled");
  TRY(parts.runner->cancel(deployment));
  return http::Response(204);
}

Answer validate_deployment(const Parts& parts, Context& context) {
  const Json body = TRY(read_body(context));
  Order order = TRY(read_order(parts, context, body));
  TRY(check_permissions(parts, context.principal(), *order.program));
  return core::json_response(validated_json(order));
}

// "What If": 202 and a Location that has the changes.
Answer what_if_deployment(const Parts& parts, Context& context) {
  const Json body = TRY(read_body(context));
  Order order = TRY(read_order(parts, context, body));
  TRY(check_permissions(parts, context.principal(), *order.program));
  const bool ids_only =
      iequals(body["properties"]["whatIfSettings"]["resultFormat"].str(), "ResourceIdOnly");
  const Json changes = TRY(what_if(parts, context.principal(), order, ids_only));
  const std::string id = new_uuid();
  TRY(parts.deployments->put_result(
      id, context.principal().object_id(),
      to_base64(parts.vault->seal(result_context(id), changes.dump()))));
  http::Response response(202);
  response.header("Location", context.url("management", cat({order.id(), "/operationResults/", id,
                                                             "?api-version=", kVersion})));
  response.header("retry-after-ms", "20");
  return response;
}

Answer get_deployment_result(const Parts& parts, Context& context) {
  const std::string& id = context.param("operation");
  auto kept = TRY(parts.deployments->find_result(id, context.principal().object_id()));
  if (!kept) return not_found("The operation's result is not found.", "OperationNotFound");
  const std::string sealed = TRY(from_base64(*kept));
  const SecretString opened = TRY(parts.vault->open(result_context(id), sealed));
  return core::json_response(TRY(Json::parse(opened.expose())));
}

Answer export_deployment(const Parts& parts, Context& context) {
  const Deployment deployment = TRY(find_deployment(parts, context));
  return core::json_response(Json::object({{"template", deployment.body["template"]}}));
}

// The first poll waits a little, so that a quick deployment ends without a pause.
Answer get_deployment_status(const Parts& parts, Context& context) {
  constexpr auto kHold = std::chrono::seconds(2);
  const Scope scope = TRY(find_scope(parts, context));
  const auto until = SteadyClock::now() + core::hold_of(context, kHold);
  const std::string run = cat({DeploymentRunner::kRunPrefix, context.param("operation")});
  for (;;) {
    const uint64_t seen = parts.runner->ends();
    auto deployment = TRY(parts.deployments->find_run(run));
    if (!deployment || !iequals(deployment->scope, scope.id()) ||
        !iequals(deployment->name, context.param("deployment")))
      return not_found("The deployment operation is not found.", "DeploymentNotFound");
    if (!has_ended(*deployment) && parts.runner->wait_for_end(seen, until)) continue;
    Json status = Json::object({{"status", deployment->state}});
    if (deployment->body.contains("error")) status.set("error", deployment->body["error"]);
    http::Response response = core::json_response(status);
    if (!has_ended(*deployment)) response.header("retry-after-ms", "200");
    return response;
  }
}

Answer list_deployment_operations(const Parts& parts, Context& context) {
  const Deployment deployment = TRY(find_deployment(parts, context));
  const core::Page page = TRY(core::page_of(context, kOperationsMax));
  const workflow::RunStatus run = TRY(parts.runner->status(deployment));
  Json::Array items;
  size_t index = 0;
  for (const workflow::StepStatus& step : run.steps) {
    if (step.state == workflow::State::kNotStarted || to_micros(step.started) == 0) continue;
    if (index++ >= page.skip && items.size() < page.top)
      items.push_back(operation_json(deployment, step));
  }
  const bool more = index > page.skip + items.size();
  return core::json_response(
      core::arm_list(std::move(items), more ? core::next_link(context, page) : std::string()));
}

Answer get_deployment_operation(const Parts& parts, Context& context) {
  const Deployment deployment = TRY(find_deployment(parts, context));
  const workflow::RunStatus run = TRY(parts.runner->status(deployment));
  for (const workflow::StepStatus& step : run.steps)
    if (step.name == context.param("operation"))
      return core::json_response(operation_json(deployment, step));
  return not_found(cat({"Deployment operation '", context.param("operation").substr(0, 100),
                        "' could not be found."}),
                   "DeploymentOperationNotFound");
}

Answer calculate_template_hash(const Parts&, Context& context) {
  const Json source = TRY(read_body(context));
  return core::json_response(
      Json::object({{"minifiedTemplate", source.dump()}, {"templateHash", template_hash(source)}}));
}

}  // namespace lazuli::resources
