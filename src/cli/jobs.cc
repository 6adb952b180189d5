// SPDX-License-Identifier: Apache-2.0
#include "cli/jobs.h"

#include <cstdio>
#include <thread>

#include "base/ids.h"
#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"

namespace lazuli::cli {
namespace {

constexpr auto kPollMin = std::chrono::milliseconds(100);
constexpr auto kPollMax = std::chrono::milliseconds(1000);

bool is_over(std::string_view status) {
  return status == "Completed" || status == "Failed" || status == "Canceled";
}

// A GUID made of a hash: equal specs meet again.
std::string hash_guid(std::string_view text) {
  std::string hash = crypto::sha256(text);
  std::string hex = to_hex(std::as_bytes(std::span(hash)));
  return cat({hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
              hex.substr(16, 4), "-", hex.substr(20, 12)});
}

void copy_as(const Json& from, std::string_view key, Json& to, std::string_view as) {
  if (const Json* value = from.find(key)) to.set(as, *value);
}

std::string mode_of(const Json& yaml) {
  std::string_view mode = yaml["mode"].str();
  if (mode == "ro_mount") return "ReadOnlyMount";
  if (mode == "rw_mount") return "ReadWriteMount";
  if (mode == "download") return "Download";
  if (mode == "upload") return "Upload";
  if (mode == "direct") return "Direct";
  return {};
}

Json literal(const Json& value) {
  return Json::object({{"jobInputType", "literal"}, {"value", value.text()}});
}

// Seconds of `limits: {timeout: 60}` as the wire has them.
Json limits_of(const Json& yaml) {
  int64_t seconds = yaml["limits"]["timeout"].integer();
  if (seconds <= 0) return {};
  return Json::object(
      {{"jobLimitsType", "Command"}, {"timeout", cat({"PT", std::to_string(seconds), "S"})}});
}

}  // namespace

std::string JobRunner::compute_id(std::string_view reference) const {
  if (istarts_with(reference, "azureml:")) reference.remove_prefix(8);
  if (reference.empty() || reference.starts_with('/')) return std::string(reference);
  return cat({client_.workspace_id(), "/computes/", reference});
}

Result<Json> JobRunner::inputs(const Document& document, const Json& yaml) {
  Json made = Json::object();
  for (const auto& [name, value] : yaml["inputs"].members()) {
    if (!value.is_object()) {
      made.set(name, literal(value));
      continue;
    }
    std::string path = value["path"].text(), type = value["type"].text();
    std::string uri = path;
    if (is_local(path))
      uri = TRY(assets_.upload(resolve_path(document, path)));
    else if (istarts_with(path, "azureml:") && !istarts_with(path, "azureml://"))
      uri = TRY(assets_.data_id(path));
    Json input = Json::object({{"jobInputType", type.empty() ? "uri_folder" : type}, {"uri", uri}});
    if (std::string mode = mode_of(value); !mode.empty()) input.set("mode", mode);
    made.set(name, std::move(input));
  }
  return made;
}

Json JobRunner::outputs(const Json& yaml) const {
  Json made = Json::object();
  for (const auto& [name, value] : yaml["outputs"].members()) {
    std::string type = value["type"].text();
    Json output = Json::object({{"jobOutputType", type.empty() ? "uri_folder" : type}});
    copy_as(value, "path", output, "uri");
    copy_as(value, "name", output, "assetName");
    if (value.contains("version")) output.set("assetVersion", value["version"].text());
    made.set(name, std::move(output));
  }
  return made;
}

Result<Json> JobRunner::command_properties(const Document& document) {
  const Json& yaml = document.yaml;
  Json properties = Json::object({{"jobType", "Command"}, {"command", yaml["command"].text()}});
  if (!yaml["code"].str().empty())
    properties.set("codeId", TRY(assets_.code_id(document, yaml["code"].str())));
  properties.set("environmentId", TRY(assets_.environment_id(document, yaml["environment"])));
  if (std::string compute = compute_id(yaml["compute"].str()); !compute.empty())
    properties.set("computeId", compute);
  copy_as(yaml, "environment_variables", properties, "environmentVariables");
  if (Json limits = limits_of(yaml); !limits.is_null()) properties.set("limits", limits);
  return properties;
}

// A component's YAML as JSON, with its code and environment in the workspace.
Result<Json> JobRunner::component_spec(const Document& document, const Json& yaml) {
  Json spec = yaml;
  if (spec["type"].str().empty()) spec.set("type", "command");
  if (!yaml["code"].str().empty())
    spec.set("code", cat({"azureml:", TRY(assets_.code_id(document, yaml["code"].str()))}));
  std::string environment = TRY(assets_.environment_id(document, yaml["environment"]));
  spec.set("environment",
           istarts_with(environment, "azureml:") ? environment : "azureml:" + environment);
  return spec;
}

Result<Json> JobRunner::create_component(const Document& document) {
  std::string name = document.yaml["name"].text();
  if (name.empty()) return invalid_argument(document.path + " has no name");
  Json spec = TRY(component_spec(document, document.yaml));
  std::string version = document.yaml["version"].text();
  std::string base = cat({client_.workspace_id(), "/components/", url_encode(name)});
  if (version.empty()) {
    Result<Json> known = client_.get(cat({base, kApiVersion}));
    version = known.ok() ? (*known)["properties"]["nextVersion"].text() : "1";
  }
  return client_.put(cat({base, "/versions/", url_encode(version), kApiVersion}),
                     Json::object({{"properties", Json::object({{"componentSpec", spec}})}}));
}

Result<Json> JobRunner::node(const Document& document, std::string_view name, const Json& yaml) {
  std::string component = yaml["component"].text(), id;
  if (istarts_with(component, "azureml:")) {
    id = component;
  } else {
    Document source{document.path, document.folder, yaml};
    if (!component.empty()) source = TRY(load_document(resolve_path(document, component)));
    Json spec = TRY(component_spec(source, source.yaml));
    std::string guid = hash_guid(spec.dump());
    Json body = Json::object(
        {{"properties", Json::object({{"componentSpec", spec}, {"isAnonymous", true}})}});
    id = TRY(client_.put(
        cat({client_.workspace_id(), "/components/azureml_anonymous/versions/", guid, kApiVersion}),
        std::move(body)))["id"]
             .text();
  }
  Json made = Json::object({{"name", name}, {"type", "command"}, {"componentId", id}});
  Json node_inputs = Json::object(), node_outputs = Json::object();
  for (const auto& [key, value] : yaml["inputs"].members())
    node_inputs.set(key, Json::object({{"job_input_type", "literal"}, {"value", value.text()}}));
  for (const auto& [key, value] : yaml["outputs"].members())
    if (value.is_string())
      node_outputs.set(key, Json::object({{"type", "literal"}, {"value", value}}));
  made.set("inputs", std::move(node_inputs)).set("outputs", std::move(node_outputs));
  return made;
}

Result<Json> JobRunner::pipeline_properties(const Document& document) {
  const Json& yaml = document.yaml;
  Json nodes = Json::object();
  for (const auto& [name, value] : yaml["jobs"].members())
    nodes.set(name, TRY(node(document, name, value)));
  Json settings = yaml["settings"].is_object() ? yaml["settings"] : Json::object();
  if (std::string_view compute = settings["default_compute"].str(); !compute.empty())
    settings.set("default_compute", compute_id(compute));
  return Json::object({{"jobType", "Pipeline"}, {"jobs", nodes}, {"settings", settings}});
}

Result<Json> JobRunner::create(const Document& document, std::string name) {
  const Json& yaml = document.yaml;
  std::string type = yaml["type"].text();
  if (type.empty()) type = "command";
  Json properties;
  if (type == "command")
    properties = TRY(command_properties(document));
  else if (type == "pipeline")
    properties = TRY(pipeline_properties(document));
  else
    return unimplemented(
        cat({document.path, ": jobs of type '", type, "' are not implemented yet"}));
  properties.set("inputs", TRY(inputs(document, yaml))).set("outputs", outputs(yaml));
  copy_as(yaml, "display_name", properties, "displayName");
  copy_as(yaml, "description", properties, "description");
  copy_as(yaml, "tags", properties, "tags");
  std::string experiment = yaml["experiment_name"].text();
  properties.set("experimentName", experiment.empty() ? "default" : experiment);
  if (name.empty()) name = yaml["name"].text();
  if (name.empty()) name = "job-" + random_name(12);
  return client_.put(cat({client_.workspace_id(), "/jobs/", url_encode(name), kApiVersion}),
                     Json::object({{"properties", std::move(properties)}}));
}

Result<Json> JobRunner::get(const std::string& name) {
  return client_.get(cat({client_.workspace_id(), "/jobs/", url_encode(name), kApiVersion}));
}

Result<Json> JobRunner::api_get(std::string path) {
  ApiClient::Call call;
  call.host = client_.installation().region + ".api.ml.azure";
  call.path = std::move(path);
  return Json::parse(TRY(client_.send(call)).text());
}

Result<Json> JobRunner::api_post(std::string path, Json body) {
  ApiClient::Call call;
  call.method = http::Method::kPost;
  call.host = client_.installation().region + ".api.ml.azure";
  call.path = std::move(path);
  call.body = std::move(body);
  return Json::parse(TRY(client_.send(call)).text());
}

Result<Json> JobRunner::wait(
    const std::string& name,
    const std::function<void(const Json& job, const Json& children)>& look) {
  std::string children =
      cat({"/history/v1.0", client_.workspace_id(), "/runs/", name, "/children"});
  for (auto pause = kPollMin;; pause = std::min(pause * 2, kPollMax)) {
    Json job = TRY(get(name));
    look(job, TRY(api_get(children))["value"]);
    if (is_over(job["properties"]["status"].str())) return job;
    std::this_thread::sleep_for(pause);
  }
}

Result<Json> JobRunner::stream(const std::string& name) {
  std::string details = cat({"/history/v1.0", client_.workspace_id(), "/runs/", name, "/details"});
  size_t printed = 0;
  for (auto pause = kPollMin;; pause = std::min(pause * 2, kPollMax)) {
    Json now_details = TRY(api_get(details));
    const Json& files = now_details["logFiles"];
    const Json* log = files.find("user_logs/std_log.txt");
    if (log == nullptr) log = files.find("logs/azureml/executionlogs.txt");
    if (log != nullptr) {
      std::string text = TRY(client_.fetch(log->str()));
      if (text.size() > printed) {
        std::fwrite(text.data() + printed, 1, text.size() - printed, stdout);
        std::fflush(stdout);
        printed = text.size();
        pause = kPollMin;
      }
    }
    std::string status = now_details["status"].text();
    if (status == "Failed") {
      const Json& error = now_details["error"]["error"];
      return Error{Code::kInternal,
                   error["code"].text(),
                   cat({"the job ", name, " failed: ", error["message"].str()}),
                   {},
                   {}};
    }
    if (is_over(status)) return get(name);
    std::this_thread::sleep_for(pause);
  }
}

Result<std::string> JobRunner::output_uri(const std::string& name, const std::string& output) {
  Json run = TRY(api_post(cat({"/history/v1.0", client_.workspace_id(), "/rundata"}),
                          Json::object({{"runId", name}, {"selectRunMetadata", true}})));
  const Json& found = run["runMetadata"]["outputs"][output];
  std::string id = found["assetId"].text();
  if (id.empty()) return not_found(cat({"the job ", name, " has no output '", output, "'"}));
  bool model = found["type"].str().find("model") != std::string_view::npos;
  std::string path = model ? "/modelregistry/v1.0" : "/data/v1.0";
  std::string call = model ? "/models/batchGetResolvedUris" : "/dataversion/batchGetResolvedUris";
  Json values = TRY(api_post(cat({path, client_.workspace_id(), call, "?api-version=1.5.0"}),
                             Json::object({{"values", Json::array({Json(id)})}})));
  const Json& resolved = values["values"][id];
  return resolved[model ? "path" : "uri"].text();
}

Result<std::string> JobRunner::read_uri(std::string_view uri) {
  size_t store = uri.find("/datastores/"), paths = uri.find("/paths/");
  if (store == std::string_view::npos || paths == std::string_view::npos)
    return invalid_argument(cat({"'", uri, "' is not a datastore address"}));
  std::string datastore(uri.substr(store + 12, paths - store - 12));
  Json found =
      TRY(client_.get(cat({client_.workspace_id(), "/datastores/", datastore, kApiVersion})));
  ApiClient::Call call;
  call.host = found["properties"]["accountName"].text() + ".blob.core";
  call.path = cat({"/", found["properties"]["containerName"].str(), "/",
                   url_encode(uri.substr(paths + 7), true)});
  call.headers.set("x-ms-version", "2025-11-05");
  return TRY(client_.send(call)).text();
}

}  // namespace lazuli::cli
