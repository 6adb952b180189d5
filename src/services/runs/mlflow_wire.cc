// SPDX-License-Identifier: Apache-2.0
#include "services/runs/mlflow_wire.h"

#include <cmath>
#include <limits>

#include "base/strings.h"

namespace lazuli::runs {
namespace {

int64_t to_millis(Timestamp time) { return to_micros(time) / 1000; }

bool is_plugin(const core::RequestContext& context) {
  return context.param("mlversion") == "v2.0" &&
         context.header("User-Agent").find("azureml-mlflow/") != std::string_view::npos;
}

std::string plugin_uri(const core::RequestContext& context, std::string_view experiment_id,
                       std::string_view run_id) {
  return cat({"azureml://", context.head().host, context.port_suffix(), "/mlflow/v2.0",
              context.workspace_id(), "/experiments/", experiment_id, "/runs/", run_id,
              "/artifacts"});
}

// MLflow's own names of a run live among its tags.
Json system_tags(const Run& run) {
  Json tags = run.tags;
  if (!run.display_name.empty()) tags.set("mlflow.runName", run.display_name);
  if (!run.parent_run_id.empty()) tags.set("mlflow.parentRunId", run.parent_run_id);
  if (!run.root_run_id.empty() && !tags.contains("mlflow.rootRunId"))
    tags.set("mlflow.rootRunId", run.root_run_id);
  if (!run.created_by.empty() && !tags.contains("mlflow.user"))
    tags.set("mlflow.user", run.created_by);
  return tags;
}

}  // namespace

std::string artifact_uri(const core::RequestContext& context, std::string_view experiment_id,
                         std::string_view run_id) {
  if (is_plugin(context)) return plugin_uri(context, experiment_id, run_id);
  return cat({"mlflow-artifacts:/", experiment_id, "/", run_id, "/artifacts"});
}

std::string model_artifact_uri(const core::RequestContext& context, const LoggedModel& model) {
  // The plug-in knows no other owner of artifacts than a run: the model stands in for one.
  if (is_plugin(context)) return plugin_uri(context, model.experiment_id, model.model_id);
  return cat({"mlflow-artifacts:/", model.experiment_id, "/models/", model.model_id, "/artifacts"});
}

Json experiment_json(const core::RequestContext& context, const Experiment& experiment) {
  bool plugin = is_plugin(context);
  return Json::object(
      {{"experiment_id", experiment.id},
       {"name", experiment.name},
       {"artifact_location", plugin ? std::string() : "mlflow-artifacts:/" + experiment.id},
       {"lifecycle_stage", experiment.deleted ? "deleted" : "active"},
       {"creation_time", to_millis(experiment.created)},
       {"last_update_time", to_millis(experiment.updated)},
       {"tags", tag_list(experiment.tags)}});
}

Json metric_json(const Metric& metric) {
  Json value = metric.value;
  if (std::isnan(metric.value))
    value = "NaN";
  else if (std::isinf(metric.value))
    value = metric.value > 0 ? "Infinity" : "-Infinity";
  return Json::object({{"key", metric.key},
                       {"value", std::move(value)},
                       {"timestamp", metric.timestamp_ms},
                       {"step", metric.step}});
}

Json mlflow_run_json(const core::RequestContext& context, const Run& run, const RunData& data) {
  Json info =
      Json::object({{"run_id", run.run_id},
                    {"run_uuid", run.run_id},
                    {"run_name", run.display_name},
                    {"experiment_id", run.experiment_id},
                    {"user_id", run.created_by},
                    {"status", mlflow_status(run.status)},
                    {"start_time", to_millis(to_micros(run.started) ? run.started : run.created)},
                    {"artifact_uri", artifact_uri(context, run.experiment_id, run.run_id)},
                    {"lifecycle_stage", run.hidden ? "deleted" : "active"}});
  if (to_micros(run.ended) != 0) info.set("end_time", to_millis(run.ended));
  Json metrics = Json::array(), params = Json::array();
  for (const Metric& metric : data.metrics) metrics.push_back(metric_json(metric));
  for (const Param& param : data.params)
    params.push_back(Json::object({{"key", param.key}, {"value", param.value}}));
  return Json::object({{"info", std::move(info)},
                       {"data", Json::object({{"metrics", std::move(metrics)},
                                              {"params", std::move(params)},
                                              {"tags", tag_list(system_tags(run))}})},
                       {"inputs", Json::object()},
                       {"outputs", Json::object({{"model_outputs", data.outputs}})}});
}

Json logged_model_json(const core::RequestContext& context, const LoggedModel& model) {
  Json info = Json::object({{"model_id", model.model_id},
                            {"experiment_id", model.experiment_id},
                            {"name", model.name},
                            {"creation_timestamp_ms", to_millis(model.created)},
                            {"last_updated_timestamp_ms", to_millis(model.updated)},
                            {"artifact_uri", model_artifact_uri(context, model)},
                            {"status", model.status},
                            {"model_type", model.model_type},
                            {"source_run_id", model.source_run_id},
                            {"tags", tag_list(model.tags)},
                            {"registrations", Json::array()}});
  return Json::object(
      {{"info", std::move(info)},
       {"data", Json::object({{"params", tag_list(model.params)}, {"metrics", Json::array()}})}});
}

Result<Metric> metric_from_json(const Json& json) {
  Metric metric;
  metric.key = json["key"].text();
  metric.timestamp_ms = json["timestamp"].is_string()
                            ? parse_int(json["timestamp"].str()).value_or(0)
                            : json["timestamp"].integer();
  metric.step =
      json["step"].is_string() ? parse_int(json["step"].str()).value_or(0) : json["step"].integer();
  const Json& value = json["value"];
  if (metric.key.empty() || metric.key.size() > 250)
    return invalid_parameter("Missing value for required parameter 'key' of a metric.");
  if (value.is_number())
    metric.value = value.number();
  else if (value.str() == "NaN")
    metric.value = std::nan("");
  else if (value.str() == "Infinity")
    metric.value = std::numeric_limits<double>::infinity();
  else if (value.str() == "-Infinity")
    metric.value = -std::numeric_limits<double>::infinity();
  else
    return invalid_parameter(cat({"The value of the metric '", metric.key, "' is not a number."}));
  return metric;
}

Result<Param> param_from_json(const Json& json) {
  Param param{json["key"].text(), json["value"].text()};
  if (param.key.empty() || param.key.size() > 250)
    return invalid_parameter("Missing value for required parameter 'key' of a param.");
  if (param.value.size() > 6000)
    return invalid_parameter(cat({"The value of the param '", param.key, "' is too long."}));
  return param;
}

Json tag_list(const Json& tags) {
  Json list = Json::array();
  for (const auto& [key, value] : tags.members())
    list.push_back(Json::object({{"key", key}, {"value", value.text()}}));
  return list;
}

Json tag_map(const Json& list) {
  Json map = Json::object();
  for (const Json& item : list.items()) map.set(item["key"].str(), item["value"].text());
  return map;
}

std::string mlflow_status(std::string_view status) {
  if (status == "Completed") return "FINISHED";
  if (status == "Failed") return "FAILED";
  if (status == "Canceled" || status == "CancelRequested") return "KILLED";
  if (status == "Running" || status == "Finalizing") return "RUNNING";
  return "SCHEDULED";
}

Result<std::string> status_from_mlflow(std::string_view status) {
  if (status == "FINISHED") return std::string("Completed");
  if (status == "FAILED") return std::string("Failed");
  if (status == "KILLED") return std::string("Canceled");
  if (status == "RUNNING") return std::string("Running");
  if (status == "SCHEDULED") return std::string("Queued");
  return invalid_parameter(cat({"Invalid value '", status, "' for parameter 'status'."}));
}

Error missing_resource(std::string message) {
  return not_found(std::move(message), "RESOURCE_DOES_NOT_EXIST");
}
Error existing_resource(std::string message) {
  return invalid_argument(std::move(message), "RESOURCE_ALREADY_EXISTS");
}
Error invalid_parameter(std::string message) {
  return invalid_argument(std::move(message), "INVALID_PARAMETER_VALUE");
}

}  // namespace lazuli::runs
