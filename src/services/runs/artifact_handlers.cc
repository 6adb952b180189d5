// SPDX-License-Identifier: Apache-2.0
// The artifact calls of azureml-mlflow. Source: azureml/mlflow/_store/artifact/artifact_repo.py and
// _client/artifact (contentUri must be a blob address with its own credential).
#include "base/strings.h"
#include "core/arm.h"
#include "services/runs/handlers.h"

namespace lazuli::runs {
namespace {

Json artifact_json(std::string_view run_id, std::string_view path) {
  return Json::object({{"artifactId", cat({"ExperimentRun/dcid.", run_id, "/", path})},
                       {"origin", "ExperimentRun"},
                       {"container", cat({"dcid.", run_id})},
                       {"path", path}});
}

// A run, or a logged model: both own artifacts under their id.
Result<void> check_owner(Ledger& ledger, const Context& context) {
  const std::string& id = context.param("run");
  if (id.starts_with("m-") && TRY(ledger.models().logged(context.workspace_id(), id))) return {};
  TRY(run_of(ledger, context));
  return {};
}

}  // namespace

Answer create_artifact_uris(Ledger& ledger, Context& context) {
  TRY(check_owner(ledger, context));
  Json body = TRY(context.json());
  const std::string& run_id = context.param("run");
  Json artifacts = Json::object(), uris = Json::object();
  for (const Json& item : body["paths"].items()) {
    std::string path = item["path"].text();
    storage::BlobPath blob = TRY(ledger.artifact_path(context.workspace_id(), run_id, path));
    artifacts.set(path, artifact_json(run_id, path));
    uris.set(path, Json::object({{"contentUri", TRY(signed_url(ledger, context, blob, "rcw"))},
                                 {"origin", "ExperimentRun"},
                                 {"container", cat({"dcid.", run_id})},
                                 {"path", path}}));
  }
  return core::json_response(Json::object({{"artifacts", std::move(artifacts)},
                                           {"artifactContentInformation", std::move(uris)},
                                           {"errors", Json::object()}}));
}

Answer list_artifacts(Ledger& ledger, Context& context) {
  TRY(check_owner(ledger, context));
  const std::string& run_id = context.param("run");
  storage::BlobPath root = TRY(ledger.artifact_path(context.workspace_id(), run_id, ""));
  std::string below(context.query_or("path", ""));
  if (!below.empty() && !below.ends_with('/')) below += '/';
  Json::Array found;
  TRY(ledger.storage().list(root.account, root.container, root.name + below,
                            [&](const storage::BlobInfo& blob) -> Result<void> {
                              found.push_back(artifact_json(
                                  run_id, std::string_view(blob.name).substr(root.name.size())));
                              return {};
                            }));
  return core::json_response(Json::object({{"value", Json::array(std::move(found))},
                                           {"continuationToken", Json()},
                                           {"nextLink", Json()}}));
}

Answer get_artifact_info(Ledger& ledger, Context& context) {
  TRY(check_owner(ledger, context));
  const std::string& run_id = context.param("run");
  std::string path(context.query_or("path", ""));
  storage::BlobPath blob = TRY(ledger.artifact_path(context.workspace_id(), run_id, path));
  TRY(ledger.storage().get_info(blob));
  Json info = artifact_json(run_id, path);
  info.set("contentUri", TRY(signed_url(ledger, context, blob, "r")));
  return core::json_response(info);
}

}  // namespace lazuli::runs
