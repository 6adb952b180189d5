// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/store.h"

#include "base/strings.h"
#include "db/find.h"
#include "db/path_range.h"

namespace lazuli::jobs {
namespace {

constexpr std::string_view kSchema = R"sql(
CREATE TABLE jobs_job (
  id {text} PRIMARY KEY,
  position {int} NOT NULL,
  workspace_id {text} NOT NULL,
  parent_id {text} NOT NULL,
  root_id {text} NOT NULL,
  step {text} NOT NULL,
  type {text} NOT NULL,
  properties {text} NOT NULL,
  fingerprint {text} NOT NULL,
  created_by {text} NOT NULL,
  created_us {int} NOT NULL,
  cancel_operation {text} NOT NULL,
  ended {int} NOT NULL);
CREATE INDEX jobs_job_list ON jobs_job (workspace_id, parent_id, created_us);
CREATE INDEX jobs_job_root ON jobs_job (root_id, step);
CREATE TABLE jobs_attempt (
  id {text} PRIMARY KEY,
  process_id {text} NOT NULL,
  job_id {text} NOT NULL,
  log_base {int} NOT NULL);
CREATE INDEX jobs_attempt_process ON jobs_attempt (process_id);
CREATE TABLE jobs_publication (
  attempt_id {text} PRIMARY KEY,
  result {text} NOT NULL);
CREATE TABLE jobs_output (
  job_id {text} NOT NULL,
  name {text} NOT NULL,
  asset_id {text} NOT NULL,
  type {text} NOT NULL,
  PRIMARY KEY (job_id, name));
CREATE TABLE jobs_line (
  id {id},
  root_id {text} NOT NULL,
  line {text} NOT NULL,
  written {int} NOT NULL);
CREATE INDEX jobs_line_root ON jobs_line (root_id, id);
CREATE INDEX jobs_line_written ON jobs_line (written);
)sql";

constexpr std::string_view kColumns =
    "id, workspace_id, parent_id, root_id, step, type, properties, fingerprint, created_by, "
    "created_us, cancel_operation, ended";

Result<Job> job_of(const db::Row& row) {
  Job job{.id = row.text(0),
          .workspace_id = row.text(1),
          .parent_id = row.text(2),
          .root_id = row.text(3),
          .step = row.text(4),
          .type = row.text(5),
          .properties = TRY(Json::parse(row.text(6))),
          .fingerprint = row.text(7),
          .created_by = row.text(8),
          .created = from_micros(row.integer(9)),
          .cancel_operation = row.text(10),
          .ended = row.boolean(11)};
  return job;
}

std::string select(std::string_view rest) {
  return cat({"SELECT ", kColumns, " FROM jobs_job ", rest});
}

AttemptRow attempt_of(const db::Row& row) {
  return {row.text(0), row.text(1), row.text(2), static_cast<uint64_t>(row.integer(3))};
}

}  // namespace

std::vector<db::Migration> Store::migrations() { return {{"jobs", 1, std::string(kSchema)}}; }

Result<bool> Store::insert(db::Tx& tx, const Job& job) {
  const auto count =
      TRY(tx.query_one("SELECT COUNT(*) FROM jobs_job WHERE root_id = ?", {job.root_id}));
  const int64_t inserted = TRY(
      tx.exec("INSERT INTO jobs_job (id, position, workspace_id, parent_id, root_id, step, type, "
              "properties, fingerprint, created_by, created_us, cancel_operation, ended) "
              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (id) DO NOTHING",
              {job.id, count->integer(0), job.workspace_id, job.parent_id, job.root_id, job.step,
               job.type, job.properties.dump(), job.fingerprint, job.created_by,
               to_micros(job.created), job.cancel_operation}));
  return inserted == 1;
}

Result<std::optional<Job>> Store::find(db::Executor& db, const std::string& workspace_id,
                                       const std::string& id) {
  return db::find_one(db, select("WHERE workspace_id = ? AND id = ?"), {workspace_id, id}, job_of);
}

Result<std::optional<Job>> Store::find_by_step(db::Executor& db, const std::string& root_id,
                                               const std::string& step) {
  return db::find_one(db, select("WHERE root_id = ? AND step = ?"), {root_id, step}, job_of);
}

Result<std::optional<Job>> Store::find_by_id(db::Executor& db, const std::string& id) {
  return db::find_one(db, select("WHERE id = ?"), {id}, job_of);
}

Result<std::vector<Job>> Store::list(db::Executor& db, const std::string& workspace_id,
                                     const std::string& type, size_t skip, size_t top) {
  constexpr std::string_view kOrder = " ORDER BY created_us DESC, id LIMIT ? OFFSET ?";
  if (type.empty()) {
    return db::find_all(db, select(cat({"WHERE workspace_id = ? AND parent_id = ''", kOrder})),
                        {workspace_id, top, skip}, job_of);
  }
  return db::find_all(
      db, select(cat({"WHERE workspace_id = ? AND parent_id = '' AND type = ?", kOrder})),
      {workspace_id, type, top, skip}, job_of);
}

Result<std::vector<Job>> Store::family(db::Executor& db, const std::string& root_id) {
  return db::find_all(db, select("WHERE root_id = ? ORDER BY position"), {root_id}, job_of);
}

Result<void> Store::remove_family(db::Tx& tx, const std::string& root_id) {
  for (const char* table : {"jobs_attempt", "jobs_output"}) {
    TRY(tx.exec(cat({"DELETE FROM ", table,
                     " WHERE job_id IN (SELECT id FROM jobs_job WHERE root_id = ?)"}),
                {root_id}));
  }
  TRY(tx.exec("DELETE FROM jobs_line WHERE root_id = ?", {root_id}));
  TRY(tx.exec("DELETE FROM jobs_job WHERE root_id = ?", {root_id}));
  return {};
}

Result<void> Store::remove_workspaces(db::Tx& tx, const std::string& scope) {
  const auto submitted =
      TRY(db::find_all(tx,
                       select(cat({"WHERE parent_id = '' AND ",
                                   db::at_or_below("LOWER(workspace_id)"), " ORDER BY ended"})),
                       db::path_range(to_lower(scope)), job_of));
  for (const Job& job : submitted) {
    if (!job.ended)
      return conflict(cat({"The job '", job.id, "' of the workspace '", job.workspace_id,
                           "' has not ended yet: cancel it first."}),
                      "WorkspaceHasRunningJobs");
    TRY(remove_family(tx, job.id));
  }
  return {};
}

Result<void> Store::set_cancel_operation(db::Tx& tx, const std::string& id,
                                         const std::string& operation) {
  TRY(tx.exec("UPDATE jobs_job SET cancel_operation = ? WHERE id = ?", {operation, id}));
  return {};
}

Result<void> Store::set_ended(db::Tx& tx, const std::string& id) {
  TRY(tx.exec("UPDATE jobs_job SET ended = 1 WHERE id = ?", {id}));
  return {};
}

Result<void> Store::put_attempt(db::Tx& tx, const AttemptRow& row) {
  TRY(
      tx.exec("INSERT INTO jobs_attempt (id, process_id, job_id, log_base) VALUES (?, ?, ?, ?) "
              "ON CONFLICT (id) DO UPDATE SET log_base = excluded.log_base",
              {row.id, row.process_id, row.job_id, row.log_base}));
  return {};
}

Result<std::optional<AttemptRow>> Store::attempt(db::Executor& db, const std::string& id) {
  return db::find_one(db, "SELECT id, process_id, job_id, log_base FROM jobs_attempt WHERE id = ?",
                      {id}, attempt_of);
}

Result<std::optional<AttemptRow>> Store::attempt_of_process(db::Executor& db,
                                                            const std::string& process_id) {
  return db::find_one(
      db, "SELECT id, process_id, job_id, log_base FROM jobs_attempt WHERE process_id = ?",
      {process_id}, attempt_of);
}

Result<std::optional<Json>> Store::publication(db::Executor& db, const std::string& attempt_id) {
  return db::find_one(db, "SELECT result FROM jobs_publication WHERE attempt_id = ?", {attempt_id},
                      [&](const db::Row& each) { return Json::parse(each.text(0)); });
}

Result<void> Store::put_publication(db::Tx& tx, const std::string& attempt_id, const Json& result) {
  TRY(tx.exec("INSERT INTO jobs_publication (attempt_id, result) VALUES (?, ?)",
              {attempt_id, result.dump()}));
  return {};
}

Result<void> Store::put_output(db::Tx& tx, const OutputRow& row) {
  TRY(
      tx.exec("INSERT INTO jobs_output (job_id, name, asset_id, type) VALUES (?, ?, ?, ?) "
              "ON CONFLICT (job_id, name) DO UPDATE SET asset_id = excluded.asset_id, "
              "type = excluded.type",
              {row.job_id, row.name, row.asset_id, row.type}));
  return {};
}

Result<std::vector<OutputRow>> Store::outputs(db::Executor& db, const std::string& job_id) {
  return db::find_all(
      db, "SELECT job_id, name, asset_id, type FROM jobs_output WHERE job_id = ? ORDER BY name",
      {job_id}, [](const db::Row& row) {
        return OutputRow{row.text(0), row.text(1), row.text(2), row.text(3)};
      });
}

Result<void> Store::add_line(db::Tx& tx, const std::string& root_id, const std::string& line) {
  TRY(tx.exec("INSERT INTO jobs_line (root_id, line, written) VALUES (?, ?, 0)", {root_id, line}));
  return {};
}

Result<std::vector<PendingLog>> Store::pending_logs(db::Executor& db) {
  const db::Rows roots =
      TRY(db.query("SELECT DISTINCT l.root_id, j.workspace_id FROM jobs_line l JOIN jobs_job j "
                   "ON j.id = l.root_id WHERE l.written = 0"));
  std::vector<PendingLog> logs;
  for (const db::Row& root : roots) {
    PendingLog log{root.text(0), root.text(1), 0, {}};
    const db::Rows lines = TRY(
        db.query("SELECT id, line FROM jobs_line WHERE root_id = ? ORDER BY id", {log.root_id}));
    for (const db::Row& line : lines) {
      log.last_line = line.integer(0);
      log.text += line.text(1) + "\n";
    }
    logs.push_back(std::move(log));
  }
  return logs;
}

Result<void> Store::set_written(db::Tx& tx, const std::string& root_id, int64_t last_line) {
  TRY(tx.exec("UPDATE jobs_line SET written = 1 WHERE root_id = ? AND id <= ?",
              {root_id, last_line}));
  return {};
}

}  // namespace lazuli::jobs
