// SPDX-License-Identifier: Apache-2.0
#include "services/resources/lock_store.h"

#include "base/strings.h"
#include "db/path_range.h"

namespace lazuli::resources {

std::vector<db::Migration> LockStore::migrations() {
  return {{"resources", 3,
           "CREATE TABLE resources_lock (scope_key {text} NOT NULL, key {text} NOT NULL, "
           "scope {text} NOT NULL, name {text} NOT NULL, read_only {int} NOT NULL, "
           "notes {text} NOT NULL, owners {text} NOT NULL, created_by {text} NOT NULL, "
           "changed_by {text} NOT NULL, created_us {int} NOT NULL, changed_us {int} NOT NULL, "
           "PRIMARY KEY (scope_key, key));"
           "CREATE TABLE resources_tags (scope_key {text} PRIMARY KEY, tags {text} NOT NULL)"}};
}

Result<std::vector<Lock>> LockStore::all() {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<Lock>> {
    std::vector<Lock> locks;
    for (const db::Row& row :
         TRY(reader.query("SELECT scope, name, read_only, notes, owners, created_by, changed_by, "
                          "created_us, changed_us FROM resources_lock ORDER BY scope_key, key"))) {
      Lock lock;
      lock.scope = row.text(0);
      lock.name = row.text(1);
      lock.level = row.boolean(2) ? LockLevel::kReadOnly : LockLevel::kCanNotDelete;
      lock.notes = row.text(3);
      lock.owners = TRY(Json::parse(row.text(4)));
      lock.created_by = row.text(5);
      lock.changed_by = row.text(6);
      lock.created = from_micros(row.integer(7));
      lock.changed = from_micros(row.integer(8));
      locks.push_back(std::move(lock));
    }
    return locks;
  });
}

Result<void> LockStore::put(const Lock& lock, const std::function<Result<void>(db::Tx&)>& check) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(check(tx));
    TRY(tx.exec(
        "INSERT INTO resources_lock (scope_key, key, scope, name, read_only, notes, owners, "
        "created_by, changed_by, created_us, changed_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (scope_key, key) DO UPDATE SET read_only = excluded.read_only, "
        "notes = excluded.notes, owners = excluded.owners, changed_by = excluded.changed_by, "
        "changed_us = excluded.changed_us",
        {to_lower(lock.scope), to_lower(lock.name), lock.scope, lock.name,
         lock.level == LockLevel::kReadOnly, lock.notes, lock.owners.dump(), lock.created_by,
         lock.changed_by, to_micros(lock.created), to_micros(lock.changed)}));
    return {};
  });
}

Result<bool> LockStore::erase(const std::string& scope, const std::string& name) {
  return handle_.write([&](db::Tx& tx) -> Result<bool> {
    return TRY(tx.exec("DELETE FROM resources_lock WHERE scope_key = ? AND key = ?",
                       {to_lower(scope), to_lower(name)})) > 0;
  });
}

Result<void> LockStore::erase_below(db::Tx& tx, const std::string& scope) {
  for (std::string_view table : {"resources_lock", "resources_tags"})
    TRY(db::erase_at_or_below(tx, table, "scope_key", to_lower(scope)));
  return {};
}

Result<Json> LockStore::tags(const std::string& scope) {
  return handle_.read([&](db::Reader& reader) -> Result<Json> {
    auto row = TRY(
        reader.query_one("SELECT tags FROM resources_tags WHERE scope_key = ?", {to_lower(scope)}));
    return row ? Json::parse(row->text(0)) : Result<Json>(Json::object());
  });
}

Result<void> LockStore::put_tags(const std::string& scope, const Json& tags) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(
        tx.exec("INSERT INTO resources_tags (scope_key, tags) VALUES (?, ?) "
                "ON CONFLICT (scope_key) DO UPDATE SET tags = excluded.tags",
                {to_lower(scope), tags.dump()}));
    return {};
  });
}

}  // namespace lazuli::resources
