// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "services/runs/model.h"

namespace lazuli::runs {

// All SQL on logged and registered models.
class ModelStore {
 public:
  static std::vector<db::Migration> migrations();
  // All that the workspaces at or below an ARM id have.
  static Result<void> remove_workspaces(db::Tx& tx, const std::string& scope);
  explicit ModelStore(db::Database::Handle handle) : handle_(std::move(handle)) {}

  Result<void> put_logged(const LoggedModel& model);  // inserts or replaces
  Result<std::optional<LoggedModel>> logged(const std::string& workspace,
                                            const std::string& model_id);
  Result<std::vector<LoggedModel>> logged_in(const std::string& workspace,
                                             const std::vector<std::string>& experiment_ids);

  // False when the name is taken.
  Result<bool> insert_registered(const std::string& workspace, const RegisteredModel& model);
  Result<void> update_registered(const std::string& workspace, const RegisteredModel& model);
  Result<std::optional<RegisteredModel>> registered(const std::string& workspace,
                                                    const std::string& name);
  Result<std::vector<RegisteredModel>> all_registered(const std::string& workspace);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::runs
