// SPDX-License-Identifier: Apache-2.0
#include "services/runs/store.h"

#include <cmath>
#include <limits>

#include "base/ids.h"
#include "base/strings.h"
#include "db/find.h"
#include "db/path_range.h"

namespace lazuli::runs {
namespace {

constexpr std::string_view kRunColumns =
    "workspace_id, run_id, experiment_id, experiment_name, display_name, description, "
    "parent_run_id, root_run_id, status, run_type, created_by, tags, properties, inputs, outputs, "
    "error_code, error_message, hidden, created_us, started_us, ended_us";

Result<Run> run_from(const db::Row& row) {
  Run run;
  run.workspace_id = row.text(0), run.run_id = row.text(1);
  run.experiment_id = row.text(2), run.experiment_name = row.text(3);
  run.display_name = row.text(4), run.description = row.text(5);
  run.parent_run_id = row.text(6), run.root_run_id = row.text(7);
  run.status = row.text(8), run.run_type = row.text(9), run.created_by = row.text(10);
  run.tags = TRY(Json::parse(row.text(11)));
  run.properties = TRY(Json::parse(row.text(12)));
  run.inputs = TRY(Json::parse(row.text(13)));
  run.outputs = TRY(Json::parse(row.text(14)));
  if (!row.is_null(15)) run.error = Error{Code::kInternal, row.text(15), row.text(16), {}, {}};
  run.hidden = row.boolean(17);
  run.created = from_micros(row.integer(18));
  run.started = from_micros(row.integer(19));
  run.ended = from_micros(row.integer(20));
  return run;
}

Result<Experiment> experiment_from(const db::Row& row) {
  Experiment experiment;
  experiment.id = row.text(0), experiment.workspace_id = row.text(1);
  experiment.name = row.text(2);
  experiment.created = from_micros(row.integer(3));
  experiment.updated = from_micros(row.integer(4));
  experiment.tags = TRY(Json::parse(row.text(5)));
  experiment.deleted = row.boolean(6);
  return experiment;
}

constexpr std::string_view kExperimentColumns =
    "id, workspace_id, name, created_us, updated_us, tags, deleted";

Result<std::optional<Experiment>> find_experiment(db::Executor& db, const std::string& workspace,
                                                  std::string_view column,
                                                  const std::string& value) {
  return db::find_one(db,
                      cat({"SELECT ", kExperimentColumns,
                           " FROM runs_experiment WHERE "
                           "workspace_key = ? AND ",
                           column, " = ?"}),
                      {to_lower(workspace), value}, experiment_from);
}

// SQLite keeps no NaN: such values live in a column of text beside a null.
std::optional<std::string> special(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return {};
}

Metric metric_from(const db::Row& row) {
  Metric metric{row.text(0), row.number(1), row.integer(3), row.integer(4)};
  std::string text = row.text(2);
  if (text == "NaN")
    metric.value = std::nan("");
  else if (!text.empty())
    metric.value = std::numeric_limits<double>::infinity() * (text[0] == '-' ? -1 : 1);
  return metric;
}

Result<void> add_metric(db::Tx& tx, const std::string& run_id, const Metric& metric) {
  auto text = special(metric.value);
  double number = text ? 0 : metric.value;
  TRY(
      tx.exec("INSERT INTO runs_metric (run_id, key, value, special, timestamp_ms, step) "
              "VALUES (?, ?, ?, ?, ?, ?)",
              {run_id, metric.key, number, text, metric.timestamp_ms, metric.step}));
  TRY(tx.exec(
      "INSERT INTO runs_metric_latest (run_id, key, value, special, timestamp_ms, step) "
      "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value, "
      "special = excluded.special, timestamp_ms = excluded.timestamp_ms, step = excluded.step "
      "WHERE excluded.step > runs_metric_latest.step OR (excluded.step = runs_metric_latest.step "
      "AND excluded.timestamp_ms >= runs_metric_latest.timestamp_ms)",
      {run_id, metric.key, number, text, metric.timestamp_ms, metric.step}));
  return {};
}

}  // namespace

std::vector<db::Migration> Store::migrations() {
  return {{"runs", 1,
           "CREATE TABLE runs_experiment (id {text} PRIMARY KEY, workspace_key {text} NOT NULL, "
           "workspace_id {text} NOT NULL, name {text} NOT NULL, created_us {int} NOT NULL, "
           "updated_us {int} NOT NULL, tags {text} NOT NULL, deleted {int} NOT NULL, "
           "UNIQUE (workspace_key, name)); "
           "CREATE TABLE runs_run (run_id {text} PRIMARY KEY, workspace_key {text} NOT NULL, "
           "workspace_id {text} NOT NULL, experiment_id {text} NOT NULL, experiment_name {text} "
           "NOT NULL, display_name {text} NOT NULL, description {text} NOT NULL, parent_run_id "
           "{text} NOT NULL, root_run_id {text} NOT NULL, status {text} NOT NULL, run_type {text} "
           "NOT NULL, created_by {text} NOT NULL, tags {text} NOT NULL, properties {text} NOT "
           "NULL, inputs {text} NOT NULL, outputs {text} NOT NULL, error_code {text}, "
           "error_message {text}, hidden {int} NOT NULL, created_us {int} NOT NULL, started_us "
           "{int} NOT NULL, ended_us {int} NOT NULL); "
           "CREATE INDEX runs_run_parent ON runs_run (parent_run_id); "
           "CREATE INDEX runs_run_experiment ON runs_run (experiment_id, created_us); "
           "CREATE TABLE runs_metric (sequence {id}, run_id {text} NOT NULL, key {text} NOT NULL, "
           "value {real}, special {text}, timestamp_ms {int} NOT NULL, step {int} NOT NULL); "
           "CREATE INDEX runs_metric_key ON runs_metric (run_id, key, step); "
           "CREATE TABLE runs_metric_latest (run_id {text} NOT NULL, key {text} NOT NULL, value "
           "{real}, special {text}, timestamp_ms {int} NOT NULL, step {int} NOT NULL, PRIMARY KEY "
           "(run_id, key)); "
           "CREATE TABLE runs_param (run_id {text} NOT NULL, key {text} NOT NULL, value {text} "
           "NOT NULL, PRIMARY KEY (run_id, key)); "
           "CREATE TABLE runs_output (run_id {text} NOT NULL, model_id {text} NOT NULL, step "
           "{int} NOT NULL, PRIMARY KEY (run_id, model_id))"}};
}

Result<void> Store::remove_workspaces(db::Tx& tx, const std::string& scope) {
  const std::string key = to_lower(scope);
  for (const char* table : {"runs_metric", "runs_metric_latest", "runs_param", "runs_output"})
    TRY(tx.exec(cat({"DELETE FROM ", table, " WHERE run_id IN (SELECT run_id FROM runs_run WHERE ",
                     db::at_or_below("workspace_key"), ")"}),
                db::path_range(key)));
  for (const char* table : {"runs_run", "runs_experiment"})
    TRY(db::erase_at_or_below(tx, table, "workspace_key", key));
  return {};
}

Result<Experiment> Store::ensure_experiment(db::Tx& caller, const std::string& workspace,
                                            const std::string& name) {
  db::Tx& tx = handle_.join(caller);
  if (auto found = TRY(find_experiment(tx, workspace, "name", name))) return *found;
  Experiment experiment{new_uuid(), workspace, name, now(), now(), Json::object(), false};
  TRY(
      tx.exec("INSERT INTO runs_experiment (id, workspace_key, workspace_id, name, created_us, "
              "updated_us, tags, deleted) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
              {experiment.id, to_lower(workspace), workspace, name, to_micros(experiment.created),
               to_micros(experiment.updated), "{}"}));
  return experiment;
}

Result<std::optional<Experiment>> Store::experiment(const std::string& workspace,
                                                    const std::string& id) {
  return handle_.read(
      [&](db::Reader& reader) { return find_experiment(reader, workspace, "id", id); });
}

Result<std::optional<Experiment>> Store::experiment_by_name(const std::string& workspace,
                                                            const std::string& name) {
  return handle_.read(
      [&](db::Reader& reader) { return find_experiment(reader, workspace, "name", name); });
}

Result<std::vector<Experiment>> Store::experiments(const std::string& workspace) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<Experiment>> {
    return db::find_all(reader,
                        cat({"SELECT ", kExperimentColumns,
                             " FROM runs_experiment WHERE workspace_key = ? "
                             "ORDER BY created_us DESC, id"}),
                        {to_lower(workspace)}, experiment_from);
  });
}

Result<void> Store::update_experiment(db::Tx& caller, const Experiment& experiment) {
  TRY(handle_.join(caller).exec(
      "UPDATE runs_experiment SET name = ?, tags = ?, deleted = ?, updated_us = ? WHERE id = ?",
      {experiment.name, experiment.tags.dump(), experiment.deleted, to_micros(now()),
       experiment.id}));
  return {};
}

Result<void> Store::insert(db::Tx& caller, const Run& run) {
  TRY(handle_.join(caller).exec(
      cat({"INSERT INTO runs_run (workspace_key, ", kRunColumns,
           ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"}),
      {to_lower(run.workspace_id),
       run.workspace_id,
       run.run_id,
       run.experiment_id,
       run.experiment_name,
       run.display_name,
       run.description,
       run.parent_run_id,
       run.root_run_id,
       run.status,
       run.run_type,
       run.created_by,
       run.tags.dump(),
       run.properties.dump(),
       run.inputs.dump(),
       run.outputs.dump(),
       nullptr,
       nullptr,
       run.hidden,
       to_micros(run.created),
       to_micros(run.started),
       to_micros(run.ended)}));
  return {};
}

Result<std::optional<Run>> Store::find(const std::string& workspace, const std::string& run_id) {
  return handle_.read([&](db::Reader& reader) -> Result<std::optional<Run>> {
    return db::find_one(
        reader,
        cat({"SELECT ", kRunColumns, " FROM runs_run WHERE run_id = ? AND workspace_key = ?"}),
        {run_id, to_lower(workspace)}, run_from);
  });
}

Result<std::optional<Run>> Store::find_in(db::Tx& caller, const std::string& run_id) {
  return db::find_one(handle_.join(caller),
                      cat({"SELECT ", kRunColumns, " FROM runs_run WHERE run_id = ?"}), {run_id},
                      run_from);
}

Result<void> Store::update(db::Tx& caller, const Run& run) {
  std::optional<std::string> code, message;
  if (run.error) code = run.error->wire_code, message = run.error->message;
  TRY(handle_.join(caller).exec(
      "UPDATE runs_run SET display_name = ?, description = ?, status = ?, tags = ?, "
      "properties = ?, inputs = ?, outputs = ?, error_code = ?, error_message = ?, hidden = ?, "
      "started_us = ?, ended_us = ? WHERE run_id = ?",
      {run.display_name, run.description, run.status, run.tags.dump(), run.properties.dump(),
       run.inputs.dump(), run.outputs.dump(), code, message, run.hidden, to_micros(run.started),
       to_micros(run.ended), run.run_id}));
  return {};
}

Result<std::vector<Run>> Store::children(const std::string& workspace, const std::string& run_id) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<Run>> {
    return db::find_all(reader,
                        cat({"SELECT ", kRunColumns,
                             " FROM runs_run WHERE parent_run_id = ? AND workspace_key = ? "
                             "ORDER BY created_us, run_id"}),
                        {run_id, to_lower(workspace)}, run_from);
  });
}

Result<std::vector<Run>> Store::in_experiments(const std::string& workspace,
                                               const std::vector<std::string>& experiment_ids) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<Run>> {
    std::vector<Run> all;
    for (const std::string& id : experiment_ids) {
      auto some = TRY(db::find_all(reader,
                                   cat({"SELECT ", kRunColumns,
                                        " FROM runs_run WHERE experiment_id = ? AND "
                                        "workspace_key = ? ORDER BY created_us DESC, run_id"}),
                                   {id, to_lower(workspace)}, run_from));
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  });
}

Result<void> Store::add_metrics(db::Tx& caller, const std::string& run_id,
                                const std::vector<Metric>& metrics) {
  db::Tx& tx = handle_.join(caller);
  for (const Metric& metric : metrics) TRY(add_metric(tx, run_id, metric));
  return {};
}

Result<void> Store::add_params(db::Tx& caller, const std::string& run_id,
                               const std::vector<Param>& params) {
  db::Tx& tx = handle_.join(caller);
  for (const Param& param : params) {
    TRY(
        tx.exec("INSERT INTO runs_param (run_id, key, value) VALUES (?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                {run_id, param.key, param.value}));
    auto row = TRY(tx.query_one("SELECT value FROM runs_param WHERE run_id = ? AND key = ?",
                                {run_id, param.key}));
    if (row && row->text(0) != param.value)
      return invalid_argument(
          cat({"Changing param values is not allowed. Param with key='", param.key,
               "' was already logged with value='", row->text(0), "' for run ID='", run_id, "'."}),
          "INVALID_PARAMETER_VALUE");
  }
  return {};
}

Result<void> Store::add_outputs(db::Tx& caller, const std::string& run_id, const Json& models) {
  db::Tx& tx = handle_.join(caller);
  for (const Json& model : models.items())
    TRY(
        tx.exec("INSERT INTO runs_output (run_id, model_id, step) VALUES (?, ?, ?) "
                "ON CONFLICT (run_id, model_id) DO UPDATE SET step = excluded.step",
                {run_id, model["model_id"].text(), model["step"].integer()}));
  return {};
}

Result<RunData> Store::data(const std::string& run_id) {
  return handle_.read([&](db::Reader& reader) -> Result<RunData> {
    RunData data;
    data.metrics =
        TRY(db::find_all(reader,
                         "SELECT key, value, special, timestamp_ms, step FROM runs_metric_latest "
                         "WHERE run_id = ? ORDER BY key",
                         {run_id}, metric_from));
    data.params = TRY(
        db::find_all(reader, "SELECT key, value FROM runs_param WHERE run_id = ? ORDER BY key",
                     {run_id}, [](const db::Row& row) { return Param{row.text(0), row.text(1)}; }));
    data.outputs = Json::array(TRY(db::find_all(
        reader, "SELECT model_id, step FROM runs_output WHERE run_id = ? ORDER BY model_id",
        {run_id}, [](const db::Row& row) {
          return Json::object({{"model_id", row.text(0)}, {"step", row.integer(1)}});
        })));
    return data;
  });
}

Result<std::vector<Metric>> Store::history(const std::string& run_id, const std::string& key,
                                           size_t limit, size_t skip) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<Metric>> {
    return db::find_all(reader,
                        "SELECT key, value, special, timestamp_ms, step FROM runs_metric "
                        "WHERE run_id = ? AND key = ? ORDER BY step, timestamp_ms, sequence "
                        "LIMIT ? OFFSET ?",
                        {run_id, key, limit, skip}, metric_from);
  });
}

}  // namespace lazuli::runs
