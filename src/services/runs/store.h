// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "services/runs/model.h"

namespace lazuli::runs {

// All SQL on experiments and runs. Functions that take a Tx join the caller's transaction.
class Store {
 public:
  static std::vector<db::Migration> migrations();
  // All that the workspaces at or below an ARM id have.
  static Result<void> remove_workspaces(db::Tx& tx, const std::string& scope);
  explicit Store(db::Database::Handle handle) : handle_(std::move(handle)) {}
  const db::Database::Handle& handle() const { return handle_; }

  // The experiment of that name, made if absent.
  Result<Experiment> ensure_experiment(db::Tx& caller, const std::string& workspace,
                                       const std::string& name);
  Result<std::optional<Experiment>> experiment(const std::string& workspace, const std::string& id);
  Result<std::optional<Experiment>> experiment_by_name(const std::string& workspace,
                                                       const std::string& name);
  Result<std::vector<Experiment>> experiments(const std::string& workspace);
  Result<void> update_experiment(db::Tx& caller, const Experiment& experiment);

  Result<void> insert(db::Tx& caller, const Run& run);
  // Reads within a transaction too, for read-change-write.
  Result<std::optional<Run>> find(const std::string& workspace, const std::string& run_id);
  Result<std::optional<Run>> find_in(db::Tx& caller, const std::string& run_id);
  Result<void> update(db::Tx& caller, const Run& run);
  Result<std::vector<Run>> children(const std::string& workspace, const std::string& run_id);
  Result<std::vector<Run>> in_experiments(const std::string& workspace,
                                          const std::vector<std::string>& experiment_ids);

  Result<void> add_metrics(db::Tx& caller, const std::string& run_id,
                           const std::vector<Metric>& metrics);
  // A param never changes: another value for a known key is kInvalidArgument.
  Result<void> add_params(db::Tx& caller, const std::string& run_id,
                          const std::vector<Param>& params);
  Result<void> add_outputs(db::Tx& caller, const std::string& run_id, const Json& models);
  Result<RunData> data(const std::string& run_id);
  Result<std::vector<Metric>> history(const std::string& run_id, const std::string& key,
                                      size_t limit, size_t skip);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::runs
