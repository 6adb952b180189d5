// SPDX-License-Identifier: Apache-2.0
#include "services/schedules/store.h"

#include "base/strings.h"
#include "db/path_range.h"

namespace lazuli::schedules {
namespace {

constexpr std::string_view kSchema = R"sql(
CREATE TABLE schedules_schedule (
  workspace {text} NOT NULL,
  key {text} NOT NULL,
  name {text} NOT NULL,
  workspace_id {text} NOT NULL,
  properties {text} NOT NULL,
  enabled {int} NOT NULL,
  anchor_us {int} NOT NULL,
  next_us {int} NOT NULL,
  caller {blob} NOT NULL,
  port {int} NOT NULL,
  created_by {text} NOT NULL,
  modified_by {text} NOT NULL,
  created_us {int} NOT NULL,
  modified_us {int} NOT NULL,
  PRIMARY KEY (workspace, key));
CREATE INDEX schedules_schedule_next ON schedules_schedule (next_us) WHERE next_us > 0;
CREATE TABLE schedules_firing (
  workspace {text} NOT NULL,
  key {text} NOT NULL,
  scheduled_us {int} NOT NULL,
  job_name {text} NOT NULL,
  run_id {text} NOT NULL,
  PRIMARY KEY (workspace, key, scheduled_us));
CREATE INDEX schedules_firing_time ON schedules_firing (scheduled_us);
)sql";

constexpr std::string_view kColumns =
    "SELECT workspace_id, name, properties, enabled, anchor_us, next_us, caller, port, created_by, "
    "modified_by, created_us, modified_us FROM schedules_schedule ";

Result<Schedule> schedule_of(const db::Row& row) {
  Schedule schedule;
  schedule.workspace_id = row.text(0);
  schedule.name = row.text(1);
  schedule.properties = TRY(Json::parse(row.text(2)));
  schedule.enabled = row.boolean(3);
  schedule.anchor = from_micros(row.integer(4));
  if (row.integer(5) > 0) schedule.next = from_micros(row.integer(5));
  schedule.caller = row.blob(6);
  schedule.port = static_cast<uint16_t>(row.integer(7));
  schedule.system_data = {row.text(8), row.text(9), from_micros(row.integer(10)),
                          from_micros(row.integer(11))};
  return schedule;
}

Result<std::vector<Schedule>> schedules_of(const db::Rows& rows) {
  std::vector<Schedule> schedules;
  for (const db::Row& row : rows) schedules.push_back(TRY(schedule_of(row)));
  return schedules;
}

Firing firing_of(const db::Row& row) {
  return {row.text(0), row.text(1), from_micros(row.integer(2)), row.text(3), row.text(4)};
}

int64_t micros(const std::optional<Timestamp>& time) { return time ? to_micros(*time) : 0; }

}  // namespace

std::vector<db::Migration> Store::migrations() { return {{"schedules", 1, std::string(kSchema)}}; }

Result<void> Store::put(db::Tx& tx, const Schedule& schedule) {
  const core::SystemData& data = schedule.system_data;
  TRY(
      tx.exec("INSERT INTO schedules_schedule (workspace, key, name, workspace_id, properties, "
              "enabled, anchor_us, next_us, caller, port, created_by, modified_by, created_us, "
              "modified_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
              "ON CONFLICT (workspace, key) DO UPDATE SET properties = excluded.properties, "
              "enabled = excluded.enabled, anchor_us = excluded.anchor_us, "
              "next_us = excluded.next_us, caller = excluded.caller, port = excluded.port, "
              "modified_by = excluded.modified_by, modified_us = excluded.modified_us",
              {to_lower(schedule.workspace_id), to_lower(schedule.name), schedule.name,
               schedule.workspace_id, schedule.properties.dump(), schedule.enabled,
               to_micros(schedule.anchor), micros(schedule.next), db::Blob{schedule.caller},
               schedule.port, data.created_by, data.last_modified_by, to_micros(data.created_at),
               to_micros(data.last_modified_at)}));
  return {};
}

Result<std::optional<Schedule>> Store::find(db::Executor& db, const std::string& workspace_id,
                                            const std::string& name) {
  const auto row = TRY(db.query_one(cat({kColumns, "WHERE workspace = ? AND key = ?"}),
                                    {to_lower(workspace_id), to_lower(name)}));
  if (!row) return std::optional<Schedule>();
  return std::optional<Schedule>(TRY(schedule_of(*row)));
}

Result<bool> Store::remove(db::Tx& tx, const std::string& workspace_id, const std::string& name) {
  return TRY(tx.exec("DELETE FROM schedules_schedule WHERE workspace = ? AND key = ?",
                     {to_lower(workspace_id), to_lower(name)})) > 0;
}

Result<void> Store::remove_workspaces(db::Tx& tx, const std::string& scope) {
  for (std::string_view table : {"schedules_schedule", "schedules_firing"})
    TRY(db::erase_at_or_below(tx, table, "workspace", to_lower(scope)));
  return {};
}

Result<std::vector<Schedule>> Store::list(db::Executor& db, const std::string& workspace_id,
                                          View view, size_t skip, size_t count) {
  return schedules_of(TRY(
      db.query(cat({kColumns,
                    "WHERE workspace = ? AND (enabled = ? OR ? = 1) ORDER BY key "
                    "LIMIT ? OFFSET ?"}),
               {to_lower(workspace_id), view == View::kEnabled, view == View::kAll, count, skip})));
}

Result<std::vector<Schedule>> Store::due(db::Executor& db, Timestamp at, size_t count) {
  return schedules_of(
      TRY(db.query(cat({kColumns, "WHERE next_us > 0 AND next_us <= ? ORDER BY next_us LIMIT ?"}),
                   {to_micros(at), count})));
}

Result<std::optional<Timestamp>> Store::next_due(db::Executor& db) {
  const auto row =
      TRY(db.query_one("SELECT MIN(next_us) FROM schedules_schedule WHERE next_us > 0"));
  if (!row || row->is_null(0)) return std::optional<Timestamp>();
  return std::optional<Timestamp>(from_micros(row->integer(0)));
}

Result<bool> Store::move_on(db::Tx& tx, const Schedule& schedule, std::optional<Timestamp> next) {
  return TRY(tx.exec("UPDATE schedules_schedule SET next_us = ? WHERE workspace = ? AND key = ? "
                     "AND next_us = ? AND enabled = 1",
                     {micros(next), to_lower(schedule.workspace_id), to_lower(schedule.name),
                      micros(schedule.next)})) == 1;
}

Result<bool> Store::add_firing(db::Tx& tx, const Firing& firing) {
  return TRY(tx.exec(
             "INSERT INTO schedules_firing (workspace, key, scheduled_us, job_name, run_id) "
             "VALUES (?, ?, ?, ?, ?) ON CONFLICT (workspace, key, scheduled_us) DO NOTHING",
             {to_lower(firing.workspace_id), to_lower(firing.schedule), to_micros(firing.scheduled),
              firing.job_name, firing.run_id})) == 1;
}

Result<std::optional<Firing>> Store::firing(db::Executor& db, const std::string& workspace_id,
                                            const std::string& name, Timestamp scheduled) {
  const auto row = TRY(
      db.query_one("SELECT workspace, key, scheduled_us, job_name, run_id FROM schedules_firing "
                   "WHERE workspace = ? AND key = ? AND scheduled_us = ?",
                   {to_lower(workspace_id), to_lower(name), to_micros(scheduled)}));
  if (!row) return std::optional<Firing>();
  return std::optional<Firing>(firing_of(*row));
}

Result<std::vector<Firing>> Store::firings_before(db::Executor& db, Timestamp before,
                                                  size_t count) {
  const db::Rows rows =
      TRY(db.query("SELECT workspace, key, scheduled_us, job_name, run_id FROM schedules_firing "
                   "WHERE scheduled_us < ? ORDER BY scheduled_us LIMIT ?",
                   {to_micros(before), count}));
  std::vector<Firing> firings;
  for (const db::Row& row : rows) firings.push_back(firing_of(row));
  return firings;
}

Result<void> Store::remove_firing(db::Tx& tx, const Firing& firing) {
  TRY(tx.exec(
      "DELETE FROM schedules_firing WHERE workspace = ? AND key = ? AND scheduled_us = ?",
      {to_lower(firing.workspace_id), to_lower(firing.schedule), to_micros(firing.scheduled)}));
  return {};
}

}  // namespace lazuli::schedules
