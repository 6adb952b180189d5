// SPDX-License-Identifier: Apache-2.0
#include "services/assets/store.h"

#include "base/strings.h"
#include "db/find.h"
#include "db/path_range.h"

namespace lazuli::assets {
namespace {

constexpr std::string_view kVersionColumns =
    "workspace_id, kind, name, version, properties, created_us, modified_us, created_by, "
    "modified_by";

Result<StoredVersion> version_from(const db::Row& row) {
  StoredVersion version;
  version.key = {row.text(0), static_cast<Kind>(row.integer(1)), row.text(2), row.text(3)};
  version.properties = TRY(Json::parse(row.text(4)));
  version.system_data = {row.text(7), row.text(8), from_micros(row.integer(5)),
                         from_micros(row.integer(6))};
  return version;
}

std::string select(std::string_view rest) {
  return cat({"SELECT ", kVersionColumns, " FROM assets_version ", rest});
}

std::string key_of(const std::string& workspace) { return to_lower(workspace); }
int number_of(Kind kind) { return static_cast<int>(kind); }

std::string_view view_condition(View view) {
  switch (view) {
    case View::kActive:
      return " AND archived = 0";
    case View::kArchived:
      return " AND archived = 1";
    case View::kAll:
      return "";
  }
  return "";
}

Result<std::optional<StoredVersion>> find_with(db::Executor& db, const VersionKey& key) {
  return db::find_one(db,
                      select("WHERE workspace_key = ? AND kind = ? AND name = ? "
                             "AND version = ?"),
                      {key_of(key.workspace), number_of(key.kind), key.name, key.version},
                      version_from);
}

// One more than the highest version that is a whole number.
Result<std::string> next_version_with(db::Executor& db, const std::string& workspace, Kind kind,
                                      const std::string& name) {
  auto row =
      TRY(db.query_one("SELECT MAX(version_number) FROM assets_version "
                       "WHERE workspace_key = ? AND kind = ? AND name = ?",
                       {key_of(workspace), number_of(kind), name}));
  return std::to_string(row ? row->integer(0) + 1 : 1);
}

Result<Container> container_from(db::Executor& db, const std::string& workspace, Kind kind,
                                 const db::Row& row) {
  Container container;
  container.name = row.text(0);
  container.archived = row.boolean(1);
  container.tags = TRY(Json::parse(row.text(2)));
  container.description = row.text(3);
  container.system_data = {row.text(4), row.text(4), from_micros(row.integer(5)),
                           from_micros(row.integer(5))};
  auto latest = TRY(db.query_one(
      "SELECT version FROM assets_version WHERE workspace_key = ? AND kind = ? AND name = ? "
      "ORDER BY archived, sequence DESC LIMIT 1",
      {key_of(workspace), number_of(kind), container.name}));
  if (latest) container.latest_version = latest->text(0);
  container.next_version = TRY(next_version_with(db, workspace, kind, container.name));
  return container;
}

}  // namespace

std::vector<db::Migration> Store::migrations() {
  return {{"assets", 1,
           "CREATE TABLE assets_container (workspace_key {text} NOT NULL, kind {int} NOT NULL, "
           "name {text} NOT NULL, archived {int} NOT NULL, tags {text} NOT NULL, "
           "description {text} NOT NULL, created_by {text} NOT NULL, created_us {int} NOT NULL, "
           "PRIMARY KEY (workspace_key, kind, name)); "
           "CREATE TABLE assets_version (sequence {id}, workspace_key {text} NOT NULL, "
           "workspace_id {text} NOT NULL, kind {int} NOT NULL, name {text} NOT NULL, "
           "version {text} NOT NULL, version_number {int}, properties {text} NOT NULL, "
           "archived {int} NOT NULL, anonymous {int} NOT NULL, content_hash {text}, "
           "created_us {int} NOT NULL, modified_us {int} NOT NULL, created_by {text} NOT NULL, "
           "modified_by {text} NOT NULL, UNIQUE (workspace_key, kind, name, version)); "
           "CREATE INDEX assets_version_hash ON assets_version (workspace_key, content_hash)"}};
}

Result<void> Store::remove_workspaces(db::Tx& tx, const std::string& scope) {
  for (const char* table : {"assets_version", "assets_container"})
    TRY(db::erase_at_or_below(tx, table, "workspace_key", key_of(scope)));
  return {};
}

Result<std::optional<StoredVersion>> Store::find(const VersionKey& key) {
  return handle_.read([&](db::Reader& reader) { return find_with(reader, key); });
}

Result<std::optional<StoredVersion>> Store::find_in(db::Tx& caller, const VersionKey& key) {
  return find_with(handle_.join(caller), key);
}

Result<std::optional<StoredVersion>> Store::latest(const std::string& workspace, Kind kind,
                                                   const std::string& name) {
  auto found = TRY(versions(workspace, kind, name, View::kActive, {1, 0}));
  if (found.empty()) return std::optional<StoredVersion>();
  return std::optional<StoredVersion>(std::move(found.front()));
}

Result<std::vector<StoredVersion>> Store::versions(const std::string& workspace, Kind kind,
                                                   const std::string& name, View view,
                                                   const core::Page& page) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<StoredVersion>> {
    std::string sql =
        select(cat({"WHERE workspace_key = ? AND kind = ? AND name = ?", view_condition(view),
                    " ORDER BY sequence DESC LIMIT ? OFFSET ?"}));
    return db::find_all(
        reader, sql, {key_of(workspace), number_of(kind), name, page.top, page.skip}, version_from);
  });
}

Result<std::vector<StoredVersion>> Store::all(const std::string& workspace, Kind kind,
                                              size_t limit) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<StoredVersion>> {
    return db::find_all(
        reader,
        select("WHERE workspace_key = ? AND kind = ? AND archived = 0 AND anonymous = 0 "
               "ORDER BY sequence DESC LIMIT ?"),
        {key_of(workspace), number_of(kind), limit}, version_from);
  });
}

Result<std::vector<StoredVersion>> Store::codes_by_hash(const std::string& workspace,
                                                        const std::string& hash) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<StoredVersion>> {
    return db::find_all(
        reader,
        select("WHERE workspace_key = ? AND content_hash = ? AND kind = ? ORDER BY sequence DESC "
               "LIMIT 10"),
        {key_of(workspace), hash, number_of(Kind::kCode)}, version_from);
  });
}

Result<std::optional<Container>> Store::container(const std::string& workspace, Kind kind,
                                                  const std::string& name) {
  return handle_.read([&](db::Reader& reader) -> Result<std::optional<Container>> {
    return db::find_one(
        reader,
        "SELECT name, archived, tags, description, created_by, created_us FROM assets_container "
        "WHERE workspace_key = ? AND kind = ? AND name = ?",
        {key_of(workspace), number_of(kind), name},
        [&](const db::Row& each) { return container_from(reader, workspace, kind, each); });
  });
}

Result<std::vector<Container>> Store::containers(const std::string& workspace, Kind kind, View view,
                                                 const core::Page& page) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<Container>> {
    // Names of anonymous assets are the clients' own business and stay out of lists.
    std::string sql =
        cat({"SELECT name, archived, tags, description, created_by, created_us FROM "
             "assets_container c WHERE workspace_key = ? AND kind = ?",
             view_condition(view),
             " AND EXISTS (SELECT 1 FROM assets_version v WHERE v.workspace_key = "
             "c.workspace_key AND v.kind = c.kind AND v.name = c.name AND v.anonymous = 0) "
             "ORDER BY name LIMIT ? OFFSET ?"});
    return db::find_all(
        reader, sql, {key_of(workspace), number_of(kind), page.top, page.skip},
        [&](const db::Row& row) { return container_from(reader, workspace, kind, row); });
  });
}

Result<void> Store::put(db::Tx& caller, const StoredVersion& version) {
  db::Tx& tx = handle_.join(caller);
  const VersionKey& key = version.key;
  std::string workspace = key_of(key.workspace);
  int64_t time = to_micros(version.system_data.last_modified_at);
  const std::string& by = version.system_data.last_modified_by;
  const Json& properties = version.properties;
  const Json& hash = properties["properties"]["hash_sha256"];
  std::optional<std::string> content_hash;
  if (key.kind == Kind::kCode && hash.is_string()) content_hash = hash.text();
  TRY(
      tx.exec("INSERT INTO assets_container (workspace_key, kind, name, archived, tags, "
              "description, created_by, created_us) VALUES (?, ?, ?, 0, ?, ?, ?, ?) "
              "ON CONFLICT DO NOTHING",
              {workspace, number_of(key.kind), key.name, "{}", "", by, time}));
  TRY(tx.exec(
      "INSERT INTO assets_version (workspace_key, workspace_id, kind, name, version, "
      "version_number, properties, archived, anonymous, content_hash, created_us, modified_us, "
      "created_by, modified_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (workspace_key, kind, name, version) DO UPDATE SET properties = "
      "excluded.properties, archived = excluded.archived, modified_us = excluded.modified_us, "
      "modified_by = excluded.modified_by",
      {workspace, key.workspace, number_of(key.kind), key.name, key.version, parse_int(key.version),
       properties.dump(), properties["isArchived"].boolean(), properties["isAnonymous"].boolean(),
       content_hash, time, time, by, by}));
  return {};
}

Result<std::string> Store::next_version(db::Tx& caller, const std::string& workspace, Kind kind,
                                        const std::string& name) {
  return next_version_with(handle_.join(caller), workspace, kind, name);
}

Result<bool> Store::set_container(const std::string& workspace, Kind kind, const std::string& name,
                                  const Json& tags, const std::string& description, bool archived) {
  return handle_.write([&](db::Tx& tx) -> Result<bool> {
    int64_t changed = TRY(
        tx.exec("UPDATE assets_container SET archived = ?, tags = ?, description = ? "
                "WHERE workspace_key = ? AND kind = ? AND name = ?",
                {archived, tags.dump(), description, key_of(workspace), number_of(kind), name}));
    return changed > 0;
  });
}

Result<bool> Store::remove(const VersionKey& key,
                           const std::function<Result<void>(db::Tx&)>& also) {
  return handle_.write([&](db::Tx& tx) -> Result<bool> {
    int64_t gone =
        TRY(tx.exec("DELETE FROM assets_version WHERE workspace_key = ? AND kind = ? AND name = ? "
                    "AND version = ?",
                    {key_of(key.workspace), number_of(key.kind), key.name, key.version}));
    if (gone > 0) TRY(also(tx));
    return gone > 0;
  });
}

}  // namespace lazuli::assets
