// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "services/jobs/model.h"

namespace lazuli::jobs {

// What is on record of one try to run a command.
struct AttemptRow {
  std::string id;  // the workflow's attempt id
  std::string process_id;
  std::string job_id;
  uint64_t log_base = 0;  // where the process's output begins in the job's log blob
};

// A run's named result, as shown under run history's outputs.
struct OutputRow {
  std::string job_id, name;
  std::string asset_id;  // an asset's id, or the address of what was written
  std::string type;
};

// A pipeline's execution log that has grown since it was last written out.
struct PendingLog {
  std::string root_id, workspace_id;
  int64_t last_line = 0;
  std::string text;  // all of it, up to that line
};

// All SQL of the jobs service; stateless. `db` and `tx` are the service's own views.
class Store {
 public:
  static std::vector<db::Migration> migrations();

  // False where the id is taken.
  static Result<bool> insert(db::Tx& tx, const Job& job);
  static Result<std::optional<Job>> find(db::Executor& db, const std::string& workspace_id,
                                         const std::string& id);
  static Result<std::optional<Job>> find_by_step(db::Executor& db, const std::string& root_id,
                                                 const std::string& step);
  static Result<std::optional<Job>> find_by_id(db::Executor& db, const std::string& id);
  // Submitted jobs, newest first, of one type ("" for all).
  static Result<std::vector<Job>> list(db::Executor& db, const std::string& workspace_id,
                                       const std::string& type, size_t skip, size_t top);
  // The whole family of a submitted job, itself first.
  static Result<std::vector<Job>> family(db::Executor& db, const std::string& root_id);
  static Result<void> remove_family(db::Tx& tx, const std::string& root_id);
  // All jobs of the workspaces at or below an ARM id; kConflict while one of them has not ended.
  static Result<void> remove_workspaces(db::Tx& tx, const std::string& scope);
  static Result<void> set_cancel_operation(db::Tx& tx, const std::string& id,
                                           const std::string& operation);
  static Result<void> set_ended(db::Tx& tx, const std::string& id);

  static Result<void> put_attempt(db::Tx& tx, const AttemptRow& row);
  static Result<std::optional<AttemptRow>> attempt(db::Executor& db, const std::string& id);
  static Result<std::optional<AttemptRow>> attempt_of_process(db::Executor& db,
                                                              const std::string& process_id);

  // The outcome that was published for an attempt, once.
  static Result<std::optional<Json>> publication(db::Executor& db, const std::string& attempt_id);
  static Result<void> put_publication(db::Tx& tx, const std::string& attempt_id,
                                      const Json& result);
  static Result<void> put_output(db::Tx& tx, const OutputRow& row);
  static Result<std::vector<OutputRow>> outputs(db::Executor& db, const std::string& job_id);

  static Result<void> add_line(db::Tx& tx, const std::string& root_id, const std::string& line);
  static Result<std::vector<PendingLog>> pending_logs(db::Executor& db);
  static Result<void> set_written(db::Tx& tx, const std::string& root_id, int64_t last_line);
};

}  // namespace lazuli::jobs
