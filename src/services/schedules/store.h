// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "services/schedules/model.h"

namespace lazuli::schedules {

enum class View { kEnabled, kDisabled, kAll };

// All SQL of the service; `tx` is its own view of a transaction.
class Store {
 public:
  static std::vector<db::Migration> migrations();

  static Result<void> put(db::Tx& tx, const Schedule& schedule);
  static Result<std::optional<Schedule>> find(db::Executor& db, const std::string& workspace_id,
                                              const std::string& name);
  static Result<bool> remove(db::Tx& tx, const std::string& workspace_id, const std::string& name);
  // All of the workspace of that ARM id, or of those below it, with what is known of their firings.
  static Result<void> remove_workspaces(db::Tx& tx, const std::string& scope);
  static Result<std::vector<Schedule>> list(db::Executor& db, const std::string& workspace_id,
                                            View view, size_t skip, size_t count);

  // The earliest first.
  static Result<std::vector<Schedule>> due(db::Executor& db, Timestamp at, size_t count);
  static Result<std::optional<Timestamp>> next_due(db::Executor& db);
  // False where it was to fire at another time: somebody else was here.
  static Result<bool> move_on(db::Tx& tx, const Schedule& schedule, std::optional<Timestamp> next);

  // False where that firing is there already.
  static Result<bool> add_firing(db::Tx& tx, const Firing& firing);
  static Result<std::optional<Firing>> firing(db::Executor& db, const std::string& workspace_id,
                                              const std::string& name, Timestamp scheduled);
  static Result<std::vector<Firing>> firings_before(db::Executor& db, Timestamp before,
                                                    size_t count);
  static Result<void> remove_firing(db::Tx& tx, const Firing& firing);
};

}  // namespace lazuli::schedules
