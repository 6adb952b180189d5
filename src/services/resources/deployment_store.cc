// SPDX-License-Identifier: Apache-2.0
#include "services/resources/deployment_store.h"

#include "base/strings.h"

namespace lazuli::resources {
namespace {

constexpr int kHistoryMax = 800;
constexpr Duration kResultLifetime = std::chrono::hours(1);

constexpr const char* kSelect =
    "SELECT scope, name, run_id, state, body, sealed, created_us, ended_us FROM "
    "resources_deployment ";

Result<Deployment> from_row(const db::Row& row) {
  Deployment deployment;
  deployment.scope = row.text(0);
  deployment.name = row.text(1);
  deployment.run_id = row.text(2);
  deployment.state = row.text(3);
  deployment.body = TRY(Json::parse(row.text(4)));
  deployment.sealed = row.blob(5);
  deployment.created = from_micros(row.integer(6));
  deployment.ended = from_micros(row.integer(7));
  return deployment;
}

Result<std::optional<Deployment>> from_optional(const std::optional<db::Row>& row) {
  if (!row) return std::optional<Deployment>();
  return std::optional<Deployment>(TRY(from_row(*row)));
}

}  // namespace

std::vector<db::Migration> DeploymentStore::migrations() {
  return {{"resources", 2,
           "CREATE TABLE resources_deployment (scope_key {text} NOT NULL, key {text} NOT NULL, "
           "scope {text} NOT NULL, name {text} NOT NULL, run_id {text} NOT NULL, "
           "state {text} NOT NULL, body {text} NOT NULL, sealed {blob} NOT NULL, "
           "created_us {int} NOT NULL, ended_us {int} NOT NULL, PRIMARY KEY (scope_key, key));"
           "CREATE UNIQUE INDEX resources_deployment_run ON resources_deployment (run_id);"
           "CREATE TABLE resources_result (id {text} PRIMARY KEY, owner {text} NOT NULL, "
           "body {text} NOT NULL, created_us {int} NOT NULL)"}};
}

Result<std::optional<Deployment>> DeploymentStore::find(db::Executor& db, const std::string& scope,
                                                        const std::string& name) {
  return from_optional(TRY(db.query_one(cat({kSelect, "WHERE scope_key = ? AND key = ?"}),
                                        {to_lower(scope), to_lower(name)})));
}

Result<std::optional<Deployment>> DeploymentStore::find_run(db::Executor& db,
                                                            const std::string& run_id) {
  return from_optional(TRY(db.query_one(cat({kSelect, "WHERE run_id = ?"}), {run_id})));
}

Result<std::optional<Deployment>> DeploymentStore::find(const std::string& scope,
                                                        const std::string& name) {
  return handle_.read([&](db::Reader& reader) { return find(reader, scope, name); });
}

Result<std::optional<Deployment>> DeploymentStore::find_run(const std::string& run_id) {
  return handle_.read([&](db::Reader& reader) { return find_run(reader, run_id); });
}

Result<std::vector<Deployment>> DeploymentStore::list(const std::string& scope,
                                                      const std::string& state,
                                                      const Range& range) {
  std::vector<db::Param> which{to_lower(scope)};
  if (!state.empty()) which.emplace_back(state);
  which.emplace_back(range.count);
  which.emplace_back(range.skip);
  const std::string sql =
      cat({kSelect, "WHERE scope_key = ?", state.empty() ? "" : " AND state = ?",
           " ORDER BY created_us DESC, key DESC LIMIT ? OFFSET ?"});
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<Deployment>> {
    std::vector<Deployment> all;
    for (const db::Row& row : TRY(reader.query(sql, which))) all.push_back(TRY(from_row(row)));
    return all;
  });
}

Result<bool> DeploymentStore::erase(const std::string& scope, const std::string& name,
                                    const std::function<Result<void>(db::Tx&)>& also) {
  return handle_.write([&](db::Tx& tx) -> Result<bool> {
    TRY(also(tx));
    return TRY(tx.exec("DELETE FROM resources_deployment WHERE scope_key = ? AND key = ?",
                       {to_lower(scope), to_lower(name)})) > 0;
  });
}

Result<void> DeploymentStore::put(db::Tx& tx, const Deployment& deployment) {
  TRY(tx.exec(
      "INSERT INTO resources_deployment (scope_key, key, scope, name, run_id, state, body, "
      "sealed, created_us, ended_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (scope_key, key) DO UPDATE SET name = excluded.name, run_id = excluded.run_id, "
      "state = excluded.state, body = excluded.body, sealed = excluded.sealed, "
      "created_us = excluded.created_us, ended_us = excluded.ended_us",
      {to_lower(deployment.scope), to_lower(deployment.name), deployment.scope, deployment.name,
       deployment.run_id, deployment.state, deployment.body.dump(), db::Blob{deployment.sealed},
       to_micros(deployment.created), to_micros(deployment.ended)}));
  return {};
}

Result<std::vector<std::string>> DeploymentStore::erase_all(db::Tx& tx, const std::string& scope) {
  std::vector<std::string> running;
  for (const db::Row& row : TRY(tx.query(
           "DELETE FROM resources_deployment WHERE scope_key = ? RETURNING run_id, ended_us",
           {to_lower(scope)})))
    if (row.integer(1) == 0) running.push_back(row.text(0));
  return running;
}

// The oldest that have ended make room, as in Azure.
Result<void> DeploymentStore::trim(db::Tx& tx, const std::string& scope) {
  const std::string key = to_lower(scope);
  auto last =
      TRY(tx.query_one("SELECT created_us FROM resources_deployment WHERE scope_key = ? "
                       "ORDER BY created_us DESC LIMIT 1 OFFSET ?",
                       {key, kHistoryMax}));
  if (!last) return {};
  TRY(
      tx.exec("DELETE FROM resources_deployment WHERE scope_key = ? AND created_us <= ? AND "
              "ended_us > 0",
              {key, last->integer(0)}));
  return {};
}

Result<void> DeploymentStore::set_state(db::Tx& tx, const std::string& run_id,
                                        const std::string& state) {
  TRY(tx.exec("UPDATE resources_deployment SET state = ? WHERE run_id = ?", {state, run_id}));
  return {};
}

// The secrets have served.
Result<void> DeploymentStore::finish(db::Tx& tx, const Deployment& deployment) {
  TRY(
      tx.exec("UPDATE resources_deployment SET state = ?, body = ?, ended_us = ?, sealed = ? "
              "WHERE run_id = ?",
              {deployment.state, deployment.body.dump(), to_micros(deployment.ended), db::Blob{},
               deployment.run_id}));
  return {};
}

Result<void> DeploymentStore::put_result(const std::string& id, const std::string& owner,
                                         const std::string& sealed) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(tx.exec("DELETE FROM resources_result WHERE created_us < ?",
                {to_micros(now() - kResultLifetime)}));
    TRY(tx.exec("INSERT INTO resources_result (id, owner, body, created_us) VALUES (?, ?, ?, ?)",
                {id, owner, sealed, to_micros(now())}));
    return {};
  });
}

Result<std::optional<std::string>> DeploymentStore::find_result(const std::string& id,
                                                                const std::string& owner) {
  return handle_.read([&](db::Reader& reader) -> Result<std::optional<std::string>> {
    auto row = TRY(reader.query_one(
        "SELECT body FROM resources_result WHERE id = ? AND owner = ? AND created_us >= ?",
        {id, owner, to_micros(now() - kResultLifetime)}));
    if (!row) return std::optional<std::string>();
    return std::optional<std::string>(row->text(0));
  });
}

}  // namespace lazuli::resources
