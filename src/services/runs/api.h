// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/json.h"
#include "db/db.h"

namespace lazuli::runs {

// A run of run history and MLflow: jobs, their children, and runs that clients log on their own.
struct Run {
  std::string workspace_id;
  std::string run_id;
  std::string experiment_name, experiment_id;
  std::string display_name, description;
  std::string parent_run_id, root_run_id;
  // Azure's words: NotStarted, Queued, Preparing, Running, Finalizing, Completed, Failed, Canceled…
  std::string status = "NotStarted";
  std::string run_type;  // "azureml.commandjob", "azureml.PipelineRun", "azureml.StepRun", "mlflow"
  std::string created_by;
  Json tags = Json::object(), properties = Json::object();
  Json inputs = Json::object(), outputs = Json::object();  // {name: {assetId, type}}
  std::optional<Error> error;
  bool hidden = false;
  Timestamp created{}, started{}, ended{};
};

// Where a run's artifacts and logs are: container and prefix in the artifact store of its workspace
// ("ExperimentRun/dcid.{run}/").
std::string artifact_prefix(std::string_view run_id);

// The registry of runs. All writers join the caller's transaction. Thread-safe.
class Runs {
 public:
  virtual ~Runs() = default;
  virtual Result<void> create(db::Tx& tx, const Run& run) = 0;
  // Status moves forward only: a terminal run stays as it ended.
  virtual Result<void> set_status(db::Tx& tx, std::string_view run_id, std::string_view status,
                                  const std::optional<Error>& error = {}) = 0;
  virtual Result<void> set_outputs(db::Tx& tx, std::string_view run_id, const Json& outputs) = 0;
  virtual Result<void> set_properties(db::Tx& tx, std::string_view run_id,
                                      const Json& properties) = 0;
  virtual Result<Run> get(std::string_view workspace_id, std::string_view run_id) = 0;
  virtual Result<std::vector<Run>> children(std::string_view workspace_id,
                                            std::string_view run_id) = 0;
};

}  // namespace lazuli::runs
