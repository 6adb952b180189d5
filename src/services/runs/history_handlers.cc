// SPDX-License-Identifier: Apache-2.0
// Run history. Source: azure-ai-ml azure/ai/ml/operations/_run_operations.py, _job_ops_helper.py.
#include "base/strings.h"
#include "core/arm.h"
#include "core/auth.h"
#include "services/runs/handlers.h"
#include "services/runs/history_wire.h"
#include "services/runs/output_types.h"

namespace lazuli::runs {
namespace {

constexpr size_t kLogFilesMax = 100;

bool is_log(std::string_view path) {
  for (std::string_view folder : {"user_logs/", "logs/azureml/", "system_logs/", "azureml-logs/"})
    if (path.starts_with(folder)) return true;
  return false;
}

// {name: URL}: the client reads each without credentials, so each carries its own.
Result<Json> log_files(Ledger& ledger, const Context& context, const Run& run) {
  storage::BlobPath root = TRY(ledger.artifact_path(run.workspace_id, run.run_id, ""));
  Json files = Json::object();
  TRY(ledger.storage().list(
      root.account, root.container, root.name, [&](const storage::BlobInfo& blob) -> Result<void> {
        std::string_view path = std::string_view(blob.name).substr(root.name.size());
        if (!is_log(path) || files.size() >= kLogFilesMax) return {};
        files.set(path,
                  TRY(signed_url(ledger, context, {root.account, root.container, blob.name}, "r")));
        return {};
      }));
  return files;
}

// "tags" and "properties" merge; a null removes.
void merge_into(Json& target, const Json& patch) {
  if (patch.is_object()) target.merge_patch(patch);
}

void apply_patch(Run& run, const Json& body) {
  if (body["displayName"].is_string()) run.display_name = body["displayName"].text();
  if (body["description"].is_string()) run.description = body["description"].text();
  if (body["hidden"].is_bool()) run.hidden = body["hidden"].boolean();
  merge_into(run.tags, body["tags"]);
  merge_into(run.properties, body["properties"]);
}

}  // namespace

Result<Run> run_of(Ledger& ledger, const Context& context) {
  return ledger.get(context.workspace_id(), context.param("run"));
}

Result<std::string> signed_url(Ledger& ledger, const Context& context,
                               const storage::BlobPath& path, const std::string& permissions) {
  storage::SasOptions options;
  options.permissions = permissions;
  options.lifetime = core::lifetime_within(context.principal(), std::chrono::hours(24));
  std::string sas = TRY(ledger.storage().make_sas(path, options));
  std::string where = cat({"/", path.container, "/", url_encode(path.name, true), "?", sas});
  return context.url(path.account + ".blob.core", where);
}

Answer get_run(Ledger& ledger, Context& context) {
  return core::json_response(run_json(TRY(run_of(ledger, context))));
}

Answer patch_run(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Run run = TRY(ledger.change(context.workspace_id(), context.param("run"),
                              [&](Run& changed) -> Result<void> {
                                apply_patch(changed, body);
                                return {};
                              }));
  return core::json_response(run_json(run));
}

Answer get_run_details(Ledger& ledger, Context& context) {
  Run run = TRY(run_of(ledger, context));
  Json files = TRY(log_files(ledger, context, run));
  bool first = ledger.is_first_look(run.run_id);
  std::string status = first && is_terminal(run.status) ? "Finalizing" : run.status;
  return core::json_response(Json::object({{"runId", run.run_id},
                                           {"status", status},
                                           {"startTimeUtc", run_json(run)["startTimeUtc"]},
                                           {"endTimeUtc", run_json(run)["endTimeUtc"]},
                                           {"error", run_error_json(run)},
                                           {"warnings", Json::array()},
                                           {"properties", run.properties},
                                           {"tags", run.tags},
                                           {"logFiles", std::move(files)}}));
}

Answer list_children(Ledger& ledger, Context& context) {
  Run run = TRY(run_of(ledger, context));
  Json children = Json::array();
  for (const Run& child : TRY(ledger.children(run.workspace_id, run.run_id)))
    children.push_back(run_json(child));
  return core::json_response(Json::object(
      {{"value", std::move(children)}, {"nextLink", Json()}, {"continuationToken", Json()}}));
}

Answer get_run_data(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Run run = TRY(ledger.get(context.workspace_id(), body["runId"].str()));
  Json metadata = run_json(run);
  metadata.set("outputs", outputs_for(context.header("User-Agent"), run.outputs));
  return core::json_response(Json::object({{"runMetadata", std::move(metadata)},
                                           {"runDefinition", Json::object()},
                                           {"jobSpecification", Json()},
                                           {"systemSettings", Json()}}));
}

}  // namespace lazuli::runs
