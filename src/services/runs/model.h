// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/runs/api.h"

namespace lazuli::runs {

struct Experiment {
  std::string id, workspace_id, name;
  Timestamp created{}, updated{};
  Json tags = Json::object();
  bool deleted = false;
};

// One measured value. `value` may be NaN or infinite.
struct Metric {
  std::string key;
  double value = 0;
  int64_t timestamp_ms = 0;
  int64_t step = 0;
};

struct Param {
  std::string key, value;
};

// What a run has logged.
struct RunData {
  std::vector<Metric> metrics;  // the latest of each key
  std::vector<Param> params;
  Json outputs = Json::array();  // [{"model_id","step"}]
};

// A model logged by a run, before anybody registers it (MLflow 3).
struct LoggedModel {
  std::string model_id, workspace_id, experiment_id, name, source_run_id, model_type, status;
  Timestamp created{}, updated{};
  Json tags = Json::object(), params = Json::object();
};

// A registered model as MLflow sees it; its versions are assets.
struct RegisteredModel {
  std::string name, description;
  Timestamp created{}, updated{};
  Json tags = Json::object();
  Json aliases = Json::object();  // {alias: version}
};

}  // namespace lazuli::runs
