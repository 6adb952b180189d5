// SPDX-License-Identifier: Apache-2.0
#include "services/declared/store.h"

#include "base/strings.h"

namespace lazuli::declared {
namespace {

constexpr const char* kSelect =
    "SELECT id, type, name, body, etag, created_by, changed_by, created_us, changed_us "
    "FROM declared_resource ";

Result<Resource> from_row(const db::Row& row) {
  Resource resource{row.text(0), row.text(1), row.text(2), TRY(Json::parse(row.text(3))), {}, {}};
  resource.etag = row.text(4);
  resource.system_data = {row.text(5), row.text(6), from_micros(row.integer(7)),
                          from_micros(row.integer(8))};
  return resource;
}

Result<std::optional<Resource>> find_in(db::Executor& db, const std::string& id) {
  auto row = TRY(db.query_one(cat({kSelect, "WHERE key = ?"}), {to_lower(id)}));
  if (!row) return std::optional<Resource>();
  return std::optional<Resource>(TRY(from_row(*row)));
}

}  // namespace

std::vector<db::Migration> Store::migrations() {
  return {{"declared", 1,
           "CREATE TABLE declared_resource (key {text} PRIMARY KEY, type_key {text} NOT NULL, "
           "id {text} NOT NULL, type {text} NOT NULL, name {text} NOT NULL, body {text} NOT NULL, "
           "etag {text} NOT NULL, created_by {text} NOT NULL, changed_by {text} NOT NULL, "
           "created_us {int} NOT NULL, changed_us {int} NOT NULL);"
           "CREATE INDEX declared_resource_type ON declared_resource (type_key, key)"}};
}

Result<std::optional<Resource>> Store::find(const std::string& id) {
  return handle_.read([&](db::Reader& reader) { return find_in(reader, id); });
}

Result<std::vector<Resource>> Store::list(const std::string& type, const std::string& scope) {
  const std::string below = to_lower(scope) + "/";
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<Resource>> {
    std::vector<Resource> all;
    for (const db::Row& row :
         TRY(reader.query(cat({kSelect, "WHERE type_key = ? AND key >= ? ORDER BY key"}),
                          {to_lower(type), below}))) {
      Resource resource = TRY(from_row(row));
      if (!istarts_with(resource.id, below)) break;
      all.push_back(std::move(resource));
    }
    return all;
  });
}

Result<void> check_condition(const std::string& id, const std::optional<Resource>& before,
                             const Condition& condition) {
  const std::string& wanted = condition.if_match;
  if (before && condition.only_new)
    return precondition_failed(cat({"The resource '", id, "' exists already."}));
  const bool differs = !wanted.empty() && wanted != "*" && (!before || before->etag != wanted);
  if (differs || (wanted == "*" && !before))
    return precondition_failed(
        cat({"The resource '", id, "' is not the one that If-Match names."}));
  return {};
}

Result<void> Store::check(const std::string& id, const Check& check) {
  return handle_.write([&](db::Tx& tx) -> Result<void> { return check(tx, TRY(find_in(tx, id))); });
}

Result<bool> Store::put(const Resource& resource, const Condition& condition, const Check& check) {
  return handle_.write([&](db::Tx& tx) -> Result<bool> {
    auto before = TRY(find_in(tx, resource.id));
    TRY(check_condition(resource.id, before, condition));
    if (check) TRY(check(tx, before));
    TRY(tx.exec(
        "INSERT INTO declared_resource (key, type_key, id, type, name, body, etag, created_by, "
        "changed_by, created_us, changed_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET body = excluded.body, etag = excluded.etag, "
        "changed_by = excluded.changed_by, changed_us = excluded.changed_us",
        {to_lower(resource.id), to_lower(resource.type), resource.id, resource.type, resource.name,
         resource.body.dump(), resource.etag, resource.system_data.created_by,
         resource.system_data.last_modified_by, to_micros(resource.system_data.created_at),
         to_micros(resource.system_data.last_modified_at)}));
    return !before;
  });
}

Result<bool> Store::erase(const std::string& id, const std::function<Result<void>(db::Tx&)>& also) {
  const std::string key = to_lower(id);
  return handle_.write([&](db::Tx& tx) -> Result<bool> {
    TRY(erase_below(tx, id));
    const bool erased = TRY(tx.exec("DELETE FROM declared_resource WHERE key = ?", {key})) > 0;
    TRY(also(tx));
    return erased;
  });
}

// "scope/" up to "scope0": '0' follows '/'.
Result<void> Store::erase_below(db::Tx& tx, const std::string& scope) {
  const std::string key = to_lower(scope);
  TRY(tx.exec("DELETE FROM declared_resource WHERE key >= ? AND key < ?", {key + "/", key + "0"}));
  return {};
}

}  // namespace lazuli::declared
