// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/context.h"
#include "services/runs/ledger.h"

namespace lazuli::runs {

// JSON ⇄ model for MLflow's REST API.
// Source: mlflow/protos/service.proto, model_registry.proto and
// mlflow/store/tracking/rest_store.py.

// Where artifacts are, in the address form the asker understands: azureml-mlflow under /mlflow/v2.0
// needs azureml:// addresses of a run, everyone else mlflow-artifacts:/.
std::string artifact_uri(const core::RequestContext& context, std::string_view experiment_id,
                         std::string_view run_id);
std::string model_artifact_uri(const core::RequestContext& context, const LoggedModel& model);

Json experiment_json(const core::RequestContext& context, const Experiment& experiment);
Json metric_json(const Metric& metric);
Json mlflow_run_json(const core::RequestContext& context, const Run& run, const RunData& data);
Json logged_model_json(const core::RequestContext& context, const LoggedModel& model);

// Numbers, or the words NaN, Infinity and -Infinity.
Result<Metric> metric_from_json(const Json& json);
Result<Param> param_from_json(const Json& json);

// [{"key","value"}] ⇄ {"key":"value"}
Json tag_list(const Json& tags);
Json tag_map(const Json& list);

std::string mlflow_status(std::string_view status);
Result<std::string> status_from_mlflow(std::string_view status);

Error missing_resource(std::string message);   // RESOURCE_DOES_NOT_EXIST, 404
Error existing_resource(std::string message);  // RESOURCE_ALREADY_EXISTS, 400
Error invalid_parameter(std::string message);  // INVALID_PARAMETER_VALUE, 400

}  // namespace lazuli::runs
