// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/runs/handlers.h"
#include "services/runs/mlflow_wire.h"

namespace lazuli::runs {

// MLflow's REST API 2.0 below /mlflow/{v1.0|v2.0}{WS}/api/2.0/.
// Source: mlflow/protos/service.proto, model_registry.proto, mlflow_artifacts.proto.

// mlflow_experiment_handlers.cc
Answer create_experiment(Ledger& ledger, Context& context);
Answer get_experiment(Ledger& ledger, Context& context);
Answer get_experiment_by_name(Ledger& ledger, Context& context);
Answer search_experiments(Ledger& ledger, Context& context);
Answer set_experiment_tag(Ledger& ledger, Context& context);

// mlflow_run_handlers.cc
Answer create_mlflow_run(Ledger& ledger, Context& context);
Answer get_mlflow_run(Ledger& ledger, Context& context);
Answer update_mlflow_run(Ledger& ledger, Context& context);
Answer search_mlflow_runs(Ledger& ledger, Context& context);
Answer set_run_hidden(Ledger& ledger, Context& context, bool hidden);

// mlflow_log_handlers.cc
Answer log_metric(Ledger& ledger, Context& context);
Answer log_param(Ledger& ledger, Context& context);
Answer log_batch(Ledger& ledger, Context& context);
Answer set_tag(Ledger& ledger, Context& context);
Answer delete_tag(Ledger& ledger, Context& context);
Answer log_outputs(Ledger& ledger, Context& context);
Answer get_metric_history(Ledger& ledger, Context& context);

// mlflow_model_handlers.cc: logged models
Answer create_logged_model(Ledger& ledger, Context& context);
Answer get_logged_model(Ledger& ledger, Context& context);
Answer finish_logged_model(Ledger& ledger, Context& context);
Answer set_logged_model_tags(Ledger& ledger, Context& context);
Answer log_logged_model_params(Ledger& ledger, Context& context);
Answer search_logged_models(Ledger& ledger, Context& context);

// mlflow_registry_handlers.cc: registered models and their versions (assets)
Answer create_registered_model(Ledger& ledger, Context& context);
Answer get_registered_model(Ledger& ledger, Context& context);
Answer search_registered_models(Ledger& ledger, Context& context);
Answer set_registered_model_alias(Ledger& ledger, Context& context);
Answer get_model_version_by_alias(Ledger& ledger, Context& context);
Answer create_model_version(Ledger& ledger, Context& context);
Answer get_model_version(Ledger& ledger, Context& context);
Answer search_model_versions(Ledger& ledger, Context& context);
Answer get_model_download_uri(Ledger& ledger, Context& context);
Answer set_model_version_tag(Ledger& ledger, Context& context);

// mlflow_artifact_handlers.cc: the mlflow-artifacts: scheme
Answer list_mlflow_artifacts(Ledger& ledger, Context& context);
Answer list_mlflow_run_artifacts(Ledger& ledger, Context& context);
Answer get_mlflow_artifact(Ledger& ledger, Context& context);
Answer put_mlflow_artifact(Ledger& ledger, Context& context);  // its sink is artifact_sink's
Result<std::unique_ptr<http::BodySink>> artifact_sink(bytes::Store& bytes);
Answer delete_mlflow_artifact(Ledger& ledger, Context& context);

// A required member of the body, or of the query where there is no body.
Result<std::string> required(const Json& body, std::string_view name);
Result<std::string> required_query(const Context& context, std::string_view name);
// "run_id", or "run_uuid" of older clients; the run, in MLflow's words when missing.
Result<Run> body_run(Ledger& ledger, const Context& context, const Json& body);
Result<Experiment> find_experiment(Ledger& ledger, const Context& context, const std::string& id);
Result<LoggedModel> find_logged_model(Ledger& ledger, const Context& context,
                                      const std::string& model_id);
// The address behind "mlflow-artifacts:/{exp}/{run}/artifacts/…", "…/models/{m}/artifacts/…",
// "registered/{name}/{version}/artifacts/…".
Result<std::string> artifact_address(Ledger& ledger, const Context& context, std::string_view path);

}  // namespace lazuli::runs
