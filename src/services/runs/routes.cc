// SPDX-License-Identifier: Apache-2.0
#include "services/runs/routes.h"

#include "base/strings.h"

namespace lazuli::runs {
namespace {

using http::Method;

constexpr std::string_view kWorkspace =
    "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.MachineLearningServices/"
    "workspaces/{ws}";
constexpr std::string_view kPermissions = "Microsoft.MachineLearningServices/workspaces/";
constexpr std::string_view kRead = "experiments/runs/read";
constexpr std::string_view kWrite = "experiments/runs/write";
constexpr uint64_t kArtifactBytesMax = uint64_t{1} << 40;

struct Adder {
  core::Manifest& manifest;
  std::string base;
  core::ErrorShape errors;

  core::Route& operator()(Method method, std::string_view below, std::string_view id,
                          std::string_view permission, core::Handler handler) const {
    core::Route& route =
        manifest.add({method, cat({base, below}), cat({kPermissions, permission}), std::string(id)},
                     std::move(handler));
    route.host = core::Host::kApi;
    route.credentials = {core::Credential::kArmToken, core::Credential::kMlToken};
    route.errors = errors;
    route.body_bytes_max = 16u << 20;
    return route;
  }
};

void describe_experiments(const Adder& add, const Bind& bind) {
  constexpr std::string_view kExperimentsRead = "experiments/read";
  constexpr std::string_view kExperimentsWrite = "experiments/write";
  add(Method::kPost, "experiments/create", "createExperiment", kExperimentsWrite,
      bind(create_experiment));
  add(Method::kGet, "experiments/get", "getExperiment", kExperimentsRead, bind(get_experiment));
  add(Method::kGet, "experiments/get-by-name", "getExperimentByName", kExperimentsRead,
      bind(get_experiment_by_name));
  add(Method::kGet, "experiments/search", "searchExperimentsByQuery", kExperimentsRead,
      bind(search_experiments));
  add(Method::kPost, "experiments/search", "searchExperiments", kExperimentsRead,
      bind(search_experiments));
  add(Method::kPost, "experiments/set-experiment-tag", "setExperimentTag", kExperimentsWrite,
      bind(set_experiment_tag));
}

void describe_runs(const Adder& add, const Bind& bind) {
  add(Method::kPost, "runs/create", "createRun", kWrite, bind(create_mlflow_run));
  add(Method::kGet, "runs/get", "getRun", kRead, bind(get_mlflow_run));
  add(Method::kPost, "runs/update", "updateRun", kWrite, bind(update_mlflow_run));
  add(Method::kPost, "runs/search", "searchRuns", kRead, bind(search_mlflow_runs));
  add(Method::kPost, "runs/delete", "deleteRun", kWrite,
      bind([](Ledger& l, Context& c) { return set_run_hidden(l, c, true); }));
  add(Method::kPost, "runs/restore", "restoreRun", kWrite,
      bind([](Ledger& l, Context& c) { return set_run_hidden(l, c, false); }));
  add(Method::kPost, "runs/log-metric", "logMetric", kWrite, bind(log_metric));
  add(Method::kPost, "runs/log-parameter", "logParam", kWrite, bind(log_param));
  add(Method::kPost, "runs/log-batch", "logBatch", kWrite, bind(log_batch));
  add(Method::kPost, "runs/set-tag", "setTag", kWrite, bind(set_tag));
  add(Method::kPost, "runs/delete-tag", "deleteTag", kWrite, bind(delete_tag));
  add(Method::kPost, "runs/outputs", "logOutputs", kWrite, bind(log_outputs));
  add(Method::kGet, "metrics/get-history", "getMetricHistory", kRead, bind(get_metric_history));
  add(Method::kGet, "artifacts/list", "listArtifacts", kRead, bind(list_mlflow_run_artifacts));
}

void describe_models(const Adder& add, const Bind& bind) {
  add(Method::kPost, "logged-models", "createLoggedModel", kWrite, bind(create_logged_model));
  add(Method::kPost, "logged-models/search", "searchLoggedModels", kRead,
      bind(search_logged_models));
  add(Method::kGet, "logged-models/{model}", "getLoggedModel", kRead, bind(get_logged_model));
  add(Method::kPatch, "logged-models/{model}", "finalizeLoggedModel", kWrite,
      bind(finish_logged_model));
  add(Method::kPatch, "logged-models/{model}/tags", "setLoggedModelTags", kWrite,
      bind(set_logged_model_tags));
  add(Method::kPost, "logged-models/{model}/params", "logLoggedModelParams", kWrite,
      bind(log_logged_model_params));
}

void describe_registry(const Adder& add, const Bind& bind) {
  constexpr std::string_view kModelsRead = "models/read", kModelsWrite = "models/write";
  constexpr std::string_view kVersionsRead = "models/versions/read";
  constexpr std::string_view kVersionsWrite = "models/versions/write";
  add(Method::kPost, "registered-models/create", "createRegisteredModel", kModelsWrite,
      bind(create_registered_model));
  add(Method::kGet, "registered-models/get", "getRegisteredModel", kModelsRead,
      bind(get_registered_model));
  add(Method::kGet, "registered-models/search", "searchRegisteredModels", kModelsRead,
      bind(search_registered_models));
  add(Method::kPost, "registered-models/alias", "setRegisteredModelAlias", kModelsWrite,
      bind(set_registered_model_alias));
  add(Method::kGet, "registered-models/alias", "getModelVersionByAlias", kModelsRead,
      bind(get_model_version_by_alias));
  add(Method::kPost, "model-versions/create", "createModelVersion", kVersionsWrite,
      bind(create_model_version));
  add(Method::kGet, "model-versions/get", "getModelVersion", kVersionsRead,
      bind(get_model_version));
  add(Method::kGet, "model-versions/search", "searchModelVersions", kVersionsRead,
      bind(search_model_versions));
  add(Method::kGet, "model-versions/get-download-uri", "getModelVersionDownloadUri", kVersionsRead,
      bind(get_model_download_uri));
  add(Method::kPost, "model-versions/set-tag", "setModelVersionTag", kVersionsWrite,
      bind(set_model_version_tag));
}

// Known calls of MLflow that are not there.
void describe_missing(const Adder& add) {
  for (std::string_view path :
       {"experiments/update", "experiments/delete", "experiments/restore", "runs/log-inputs",
        "runs/log-model", "registered-models/rename", "registered-models/get-latest-versions",
        "registered-models/set-tag", "model-versions/transition-stage"})
    add(Method::kPost, path, cat({"mlflow/", path}), kWrite, nullptr);
  for (std::string_view path : {"registered-models/update", "model-versions/update"})
    add(Method::kPatch, path, cat({"mlflow/", path}), kWrite, nullptr);
  for (std::string_view path : {"registered-models/delete", "registered-models/alias",
                                "model-versions/delete", "model-versions/delete-tag"})
    add(Method::kDelete, path, cat({"mlflow/", path}), kWrite, nullptr);
}

}  // namespace

void describe_history(core::Manifest& manifest, const Bind& bind) {
  Adder add{manifest, cat({"/history/v1.0", kWorkspace, "/"}), core::ErrorShape::kArm};
  for (std::string_view base : {"runs/{run}", "experiments/{experiment}/runs/{run}",
                                "experimentids/{experiment}/runs/{run}"}) {
    add(Method::kGet, base, "Runs_Get", kRead, bind(get_run));
    add(Method::kPatch, base, "Runs_Update", kWrite, bind(patch_run));
    add(Method::kGet, cat({base, "/details"}), "Runs_GetDetails", kRead, bind(get_run_details));
    add(Method::kGet, cat({base, "/children"}), "Runs_GetChild", kRead, bind(list_children));
    add(Method::kPost, cat({base, "/artifacts/batch/metadata"}), "RunArtifacts_BatchCreate",
        "metadata/artifacts/write", bind(create_artifact_uris));
    add(Method::kGet, cat({base, "/artifacts"}), "RunArtifacts_List", "metadata/artifacts/read",
        bind(list_artifacts));
    add(Method::kGet, cat({base, "/artifacts/contentinfo"}), "RunArtifacts_GetContentInformation",
        "metadata/artifacts/read", bind(get_artifact_info));
  }
  add(Method::kPost, "rundata", "Runs_GetRunData", kRead, bind(get_run_data));
  Adder data{manifest, cat({"/data/v1.0", kWorkspace, "/"}), core::ErrorShape::kArm};
  data(Method::kPost, "dataversion/batchGetResolvedUris", "DataVersion_BatchGetResolvedUris",
       "data/versions/read", bind(resolve_data_uris));
  Adder models{manifest, cat({"/modelregistry/v1.0", kWorkspace, "/"}), core::ErrorShape::kArm};
  models(Method::kPost, "models/batchGetResolvedUris", "Models_BatchGetResolvedUris",
         "models/versions/read", bind(resolve_model_uris));
}

void describe_access(core::Manifest& manifest, core::Handler handler) {
  manifest.add(
      {Method::kPost, cat({kWorkspace, "/listNotebookAccessToken"}),
       cat({kPermissions, "listNotebookAccessToken/action"}), "Workspaces_ListNotebookAccessToken",
       "A token for MLflow clients of this workspace."},
      std::move(handler));
}

void describe_mlflow(core::Manifest& manifest, const Bind& bind, core::SinkOf artifact_sink) {
  std::string base = cat({"/mlflow/{mlversion}", kWorkspace, "/api/2.0/"});
  Adder add{manifest, base + "mlflow/", core::ErrorShape::kMlflow};
  describe_experiments(add, bind);
  describe_runs(add, bind);
  describe_models(add, bind);
  describe_registry(add, bind);
  describe_missing(add);
  Adder artifacts{manifest, base + "mlflow-artifacts/", core::ErrorShape::kMlflow};
  artifacts(Method::kGet, "artifacts", "listProxiedArtifacts", "metadata/artifacts/read",
            bind(list_mlflow_artifacts));
  artifacts(Method::kGet, "artifacts/{path*}", "downloadArtifact", "metadata/artifacts/read",
            bind(get_mlflow_artifact))
      .pool = http::Pool::kData;
  core::Route& put = artifacts(Method::kPut, "artifacts/{path*}", "uploadArtifact",
                               "metadata/artifacts/write", bind(put_mlflow_artifact));
  put.pool = http::Pool::kData;
  put.sink = std::move(artifact_sink);
  put.body_bytes_max = kArtifactBytesMax;
  artifacts(Method::kDelete, "artifacts/{path*}", "deleteArtifact", "metadata/artifacts/write",
            bind(delete_mlflow_artifact));
}

}  // namespace lazuli::runs
