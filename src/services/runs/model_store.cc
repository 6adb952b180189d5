// SPDX-License-Identifier: Apache-2.0
#include "services/runs/model_store.h"

#include "base/strings.h"
#include "db/find.h"
#include "db/path_range.h"

namespace lazuli::runs {
namespace {

constexpr std::string_view kLoggedColumns =
    "model_id, workspace_id, experiment_id, name, source_run_id, model_type, status, created_us, "
    "updated_us, tags, params";

Result<LoggedModel> logged_from(const db::Row& row) {
  LoggedModel model{row.text(0),
                    row.text(1),
                    row.text(2),
                    row.text(3),
                    row.text(4),
                    row.text(5),
                    row.text(6),
                    from_micros(row.integer(7)),
                    from_micros(row.integer(8))};
  model.tags = TRY(Json::parse(row.text(9)));
  model.params = TRY(Json::parse(row.text(10)));
  return model;
}

Result<RegisteredModel> registered_from(const db::Row& row) {
  RegisteredModel model{row.text(0), row.text(1), from_micros(row.integer(2)),
                        from_micros(row.integer(3))};
  model.tags = TRY(Json::parse(row.text(4)));
  model.aliases = TRY(Json::parse(row.text(5)));
  return model;
}

}  // namespace

std::vector<db::Migration> ModelStore::migrations() {
  return {{"runs", 2,
           "CREATE TABLE runs_logged_model (model_id {text} PRIMARY KEY, workspace_key {text} NOT "
           "NULL, workspace_id {text} NOT NULL, experiment_id {text} NOT NULL, name {text} NOT "
           "NULL, source_run_id {text} NOT NULL, model_type {text} NOT NULL, status {text} NOT "
           "NULL, created_us {int} NOT NULL, updated_us {int} NOT NULL, tags {text} NOT NULL, "
           "params {text} NOT NULL); "
           "CREATE INDEX runs_logged_model_experiment ON runs_logged_model (experiment_id); "
           "CREATE TABLE runs_registered_model (workspace_key {text} NOT NULL, name {text} NOT "
           "NULL, description {text} NOT NULL, created_us {int} NOT NULL, updated_us {int} NOT "
           "NULL, tags {text} NOT NULL, aliases {text} NOT NULL, "
           "PRIMARY KEY (workspace_key, name))"}};
}

Result<void> ModelStore::remove_workspaces(db::Tx& tx, const std::string& scope) {
  for (const char* table : {"runs_logged_model", "runs_registered_model"})
    TRY(db::erase_at_or_below(tx, table, "workspace_key", to_lower(scope)));
  return {};
}

Result<void> ModelStore::put_logged(const LoggedModel& model) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(tx.exec(
        cat({"INSERT INTO runs_logged_model (workspace_key, ", kLoggedColumns,
             ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (model_id) DO UPDATE SET "
             "status = excluded.status, updated_us = excluded.updated_us, tags = excluded.tags, "
             "params = excluded.params"}),
        {to_lower(model.workspace_id), model.model_id, model.workspace_id, model.experiment_id,
         model.name, model.source_run_id, model.model_type, model.status, to_micros(model.created),
         to_micros(model.updated), model.tags.dump(), model.params.dump()}));
    return {};
  });
}

Result<std::optional<LoggedModel>> ModelStore::logged(const std::string& workspace,
                                                      const std::string& model_id) {
  return handle_.read([&](db::Reader& reader) -> Result<std::optional<LoggedModel>> {
    return db::find_one(reader,
                        cat({"SELECT ", kLoggedColumns,
                             " FROM runs_logged_model "
                             "WHERE model_id = ? AND workspace_key = ?"}),
                        {model_id, to_lower(workspace)}, logged_from);
  });
}

Result<std::vector<LoggedModel>> ModelStore::logged_in(
    const std::string& workspace, const std::vector<std::string>& experiment_ids) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<LoggedModel>> {
    std::vector<LoggedModel> models;
    for (const std::string& id : experiment_ids)
      for (const db::Row& row :
           TRY(reader.query(cat({"SELECT ", kLoggedColumns,
                                 " FROM runs_logged_model WHERE experiment_id = ? "
                                 "AND workspace_key = ? ORDER BY created_us DESC"}),
                            {id, to_lower(workspace)})))
        models.push_back(TRY(logged_from(row)));
    return models;
  });
}

Result<bool> ModelStore::insert_registered(const std::string& workspace,
                                           const RegisteredModel& model) {
  return handle_.write([&](db::Tx& tx) -> Result<bool> {
    int64_t made = TRY(
        tx.exec("INSERT INTO runs_registered_model (workspace_key, name, description, created_us, "
                "updated_us, tags, aliases) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                {to_lower(workspace), model.name, model.description, to_micros(model.created),
                 to_micros(model.updated), model.tags.dump(), model.aliases.dump()}));
    return made > 0;
  });
}

Result<void> ModelStore::update_registered(const std::string& workspace,
                                           const RegisteredModel& model) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(
        tx.exec("UPDATE runs_registered_model SET description = ?, updated_us = ?, tags = ?, "
                "aliases = ? WHERE workspace_key = ? AND name = ?",
                {model.description, to_micros(now()), model.tags.dump(), model.aliases.dump(),
                 to_lower(workspace), model.name}));
    return {};
  });
}

Result<std::optional<RegisteredModel>> ModelStore::registered(const std::string& workspace,
                                                              const std::string& name) {
  return handle_.read([&](db::Reader& reader) -> Result<std::optional<RegisteredModel>> {
    return db::find_one(reader,
                        "SELECT name, description, created_us, updated_us, tags, aliases "
                        "FROM runs_registered_model WHERE workspace_key = ? AND name = ?",
                        {to_lower(workspace), name}, registered_from);
  });
}

Result<std::vector<RegisteredModel>> ModelStore::all_registered(const std::string& workspace) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<RegisteredModel>> {
    return db::find_all(reader,
                        "SELECT name, description, created_us, updated_us, tags, aliases "
                        "FROM runs_registered_model WHERE workspace_key = ? ORDER BY name",
                        {to_lower(workspace)}, registered_from);
  });
}

}  // namespace lazuli::runs
