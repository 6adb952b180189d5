// SPDX-License-Identifier: Apache-2.0
#include "services/workspace/store.h"

#include "base/strings.h"
#include "db/find.h"

namespace lazuli::workspace::store {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE workspace_workspaces (
  id {id},
  key {text} NOT NULL UNIQUE,
  subscription {text} NOT NULL,
  resource_group {text} NOT NULL,
  name {text} NOT NULL,
  location {text} NOT NULL,
  guid {text} NOT NULL,
  storage_account {text} NOT NULL,
  friendly_name {text} NOT NULL,
  description {text} NOT NULL,
  tags {text} NOT NULL,
  system_data {text} NOT NULL
);
CREATE TABLE workspace_datastores (
  workspace {int} NOT NULL,
  key {text} NOT NULL,
  name {text} NOT NULL,
  account {text} NOT NULL,
  container {text} NOT NULL,
  is_default {int} NOT NULL,
  credentials {int} NOT NULL,
  sealed_sas {blob} NOT NULL,
  description {text} NOT NULL,
  tags {text} NOT NULL,
  properties {text} NOT NULL,
  system_data {text} NOT NULL,
  PRIMARY KEY (workspace, key)
);
CREATE TABLE workspace_computes (
  workspace {int} NOT NULL,
  key {text} NOT NULL,
  name {text} NOT NULL,
  location {text} NOT NULL,
  description {text} NOT NULL,
  tags {text} NOT NULL,
  settings {text} NOT NULL,
  system_data {text} NOT NULL,
  PRIMARY KEY (workspace, key)
);
)";

constexpr const char* kSelectWorkspaces =
    "SELECT id, subscription, resource_group, name, location, guid, storage_account, "
    "friendly_name, description, tags, system_data, settings FROM workspace_workspaces ";
constexpr const char* kSelectDatastores =
    "SELECT workspace, name, account, container, is_default, credentials, sealed_sas, "
    "description, tags, properties, system_data FROM workspace_datastores ";
constexpr const char* kSelectComputes =
    "SELECT workspace, name, location, description, tags, settings, system_data, identity "
    "FROM workspace_computes ";

std::string key_of(std::string_view subscription, std::string_view group, std::string_view name) {
  return to_lower(cat({subscription, "/", group, "/", name}));
}

std::string dump_system_data(const core::SystemData& data) {
  return Json::object({{"created_by", data.created_by},
                       {"modified_by", data.last_modified_by},
                       {"created", to_micros(data.created_at)},
                       {"modified", to_micros(data.last_modified_at)}})
      .dump();
}

Result<core::SystemData> parse_system_data(const std::string& text) {
  Json json = TRY(Json::parse(text));
  return core::SystemData{
      std::string(json["created_by"].str()), std::string(json["modified_by"].str()),
      from_micros(json["created"].integer()), from_micros(json["modified"].integer())};
}

Result<WorkspaceRow> workspace_of(const db::Row& row) {
  WorkspaceRow workspace;
  workspace.id = row.integer(0);
  workspace.subscription = row.text(1);
  workspace.resource_group = row.text(2);
  workspace.name = row.text(3);
  workspace.location = row.text(4);
  workspace.guid = row.text(5);
  workspace.storage_account = row.text(6);
  workspace.friendly_name = row.text(7);
  workspace.description = row.text(8);
  workspace.tags = TRY(Json::parse(row.text(9)));
  workspace.system_data = TRY(parse_system_data(row.text(10)));
  workspace.settings = TRY(Json::parse(row.text(11)));
  return workspace;
}

Result<DatastoreRow> datastore_of(const db::Row& row) {
  DatastoreRow datastore;
  datastore.workspace = row.integer(0);
  datastore.name = row.text(1);
  datastore.account = row.text(2);
  datastore.container = row.text(3);
  datastore.is_default = row.boolean(4);
  datastore.credentials = static_cast<CredentialsType>(row.integer(5));
  datastore.sealed_sas = row.blob(6);
  datastore.description = row.text(7);
  datastore.tags = TRY(Json::parse(row.text(8)));
  datastore.properties = TRY(Json::parse(row.text(9)));
  datastore.system_data = TRY(parse_system_data(row.text(10)));
  return datastore;
}

Result<ComputeRow> compute_of(const db::Row& row) {
  ComputeRow compute;
  compute.workspace = row.integer(0);
  compute.name = row.text(1);
  compute.location = row.text(2);
  compute.description = row.text(3);
  compute.tags = TRY(Json::parse(row.text(4)));
  compute.settings = TRY(Json::parse(row.text(5)));
  compute.system_data = TRY(parse_system_data(row.text(6)));
  compute.identity = TRY(Json::parse(row.text(7)));
  return compute;
}

}  // namespace

std::vector<db::Migration> migrations() {
  return {{"workspace", 1, kSchema},
          {"workspace", 2,
           "ALTER TABLE workspace_workspaces ADD COLUMN settings {text} NOT NULL DEFAULT '{}'"},
          {"workspace", 3,
           "ALTER TABLE workspace_computes ADD COLUMN identity {text} NOT NULL DEFAULT 'null'"}};
}

Result<std::optional<WorkspaceRow>> find_workspace(db::Executor& db, std::string_view subscription,
                                                   std::string_view group, std::string_view name) {
  static const std::string sql = std::string(kSelectWorkspaces) + "WHERE key = ?";
  return db::find_one(db, sql, {key_of(subscription, group, name)}, workspace_of);
}

Result<std::vector<WorkspaceRow>> list_workspaces(db::Executor& db, std::string_view subscription,
                                                  std::string_view group) {
  auto all =
      TRY(db::find_all(db, std::string(kSelectWorkspaces) + "ORDER BY key", {}, workspace_of));
  std::erase_if(all, [&](const WorkspaceRow& row) {
    return !iequals(row.subscription, subscription) ||
           (!group.empty() && !iequals(row.resource_group, group));
  });
  return all;
}

Result<void> insert_workspace(db::Tx& tx, WorkspaceRow& row) {
  auto made = TRY(tx.query_one(
      "INSERT INTO workspace_workspaces (key, subscription, resource_group, name, location, guid, "
      "storage_account, friendly_name, description, tags, system_data, settings) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
      {key_of(row.subscription, row.resource_group, row.name), row.subscription, row.resource_group,
       row.name, row.location, row.guid, row.storage_account, row.friendly_name, row.description,
       row.tags.dump(), dump_system_data(row.system_data), row.settings.dump()}));
  CHECK(made.has_value());
  row.id = made->integer(0);
  return {};
}

Result<void> update_workspace(db::Tx& tx, const WorkspaceRow& row) {
  TRY(
      tx.exec("UPDATE workspace_workspaces SET friendly_name = ?, description = ?, tags = ?, "
              "system_data = ?, settings = ? WHERE id = ?",
              {row.friendly_name, row.description, row.tags.dump(),
               dump_system_data(row.system_data), row.settings.dump(), row.id}));
  return {};
}

Result<void> delete_workspace(db::Tx& tx, int64_t id) {
  TRY(tx.exec("DELETE FROM workspace_datastores WHERE workspace = ?", {id}));
  TRY(tx.exec("DELETE FROM workspace_computes WHERE workspace = ?", {id}));
  TRY(tx.exec("DELETE FROM workspace_workspaces WHERE id = ?", {id}));
  return {};
}

Result<std::optional<DatastoreRow>> find_datastore(db::Executor& db, int64_t workspace,
                                                   std::string_view name) {
  static const std::string sql = std::string(kSelectDatastores) + "WHERE workspace = ? AND key = ?";
  return db::find_one(db, sql, {workspace, to_lower(name)}, datastore_of);
}

Result<std::vector<DatastoreRow>> list_datastores(db::Executor& db, int64_t workspace) {
  static const std::string sql =
      std::string(kSelectDatastores) + "WHERE workspace = ? ORDER BY key";
  return db::find_all(db, sql, {workspace}, datastore_of);
}

Result<bool> put_datastore(db::Tx& tx, const DatastoreRow& row) {
  bool is_new = !TRY(find_datastore(tx, row.workspace, row.name)).has_value();
  TRY(tx.exec(
      "INSERT INTO workspace_datastores (workspace, key, name, account, container, is_default, "
      "credentials, sealed_sas, description, tags, properties, system_data) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (workspace, key) DO UPDATE SET account = excluded.account, "
      "container = excluded.container, is_default = excluded.is_default, "
      "credentials = excluded.credentials, sealed_sas = excluded.sealed_sas, "
      "description = excluded.description, tags = excluded.tags, "
      "properties = excluded.properties, system_data = excluded.system_data",
      {row.workspace, to_lower(row.name), row.name, row.account, row.container, row.is_default,
       static_cast<int>(row.credentials), db::Blob{row.sealed_sas}, row.description,
       row.tags.dump(), row.properties.dump(), dump_system_data(row.system_data)}));
  if (row.is_default)
    TRY(tx.exec("UPDATE workspace_datastores SET is_default = 0 WHERE workspace = ? AND key <> ?",
                {row.workspace, to_lower(row.name)}));
  return is_new;
}

Result<bool> delete_datastore(db::Tx& tx, int64_t workspace, std::string_view name) {
  int64_t deleted = TRY(tx.exec("DELETE FROM workspace_datastores WHERE workspace = ? AND key = ?",
                                {workspace, to_lower(name)}));
  return deleted > 0;
}

Result<std::optional<ComputeRow>> find_compute(db::Executor& db, int64_t workspace,
                                               std::string_view name) {
  static const std::string sql = std::string(kSelectComputes) + "WHERE workspace = ? AND key = ?";
  return db::find_one(db, sql, {workspace, to_lower(name)}, compute_of);
}

Result<std::vector<ComputeRow>> list_computes(db::Executor& db, int64_t workspace) {
  static const std::string sql = std::string(kSelectComputes) + "WHERE workspace = ? ORDER BY key";
  return db::find_all(db, sql, {workspace}, compute_of);
}

Result<bool> put_compute(db::Tx& tx, const ComputeRow& row) {
  bool is_new = !TRY(find_compute(tx, row.workspace, row.name)).has_value();
  TRY(tx.exec(
      "INSERT INTO workspace_computes (workspace, key, name, location, description, tags, "
      "settings, system_data, identity) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (workspace, key) DO UPDATE SET location = excluded.location, "
      "description = excluded.description, tags = excluded.tags, settings = excluded.settings, "
      "system_data = excluded.system_data, identity = excluded.identity",
      {row.workspace, to_lower(row.name), row.name, row.location, row.description, row.tags.dump(),
       row.settings.dump(), dump_system_data(row.system_data), row.identity.dump()}));
  return is_new;
}

Result<bool> delete_compute(db::Tx& tx, int64_t workspace, std::string_view name) {
  int64_t deleted = TRY(tx.exec("DELETE FROM workspace_computes WHERE workspace = ? AND key = ?",
                                {workspace, to_lower(name)}));
  return deleted > 0;
}

}  // namespace lazuli::workspace::store
