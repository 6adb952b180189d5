// SPDX-License-Identifier: Apache-2.0
#include "services/resources/store.h"

#include "base/strings.h"

namespace lazuli::resources {
namespace {

Result<ResourceGroup> from_row(const db::Row& row) {
  return ResourceGroup{row.text(0), row.text(1), row.text(2), TRY(Json::parse(row.text(3)))};
}

}  // namespace

std::vector<db::Migration> Store::migrations() {
  return {{"resources", 1,
           "CREATE TABLE resources_group (subscription_id {text} NOT NULL, key {text} NOT NULL, "
           "name {text} NOT NULL, location {text} NOT NULL, tags {text} NOT NULL, "
           "created_us {int} NOT NULL, PRIMARY KEY (subscription_id, key))"}};
}

Result<std::optional<ResourceGroup>> Store::find(const std::string& subscription_id,
                                                 const std::string& name) {
  return handle_.read([&](db::Reader& reader) -> Result<std::optional<ResourceGroup>> {
    auto row =
        TRY(reader.query_one("SELECT subscription_id, name, location, tags "
                             "FROM resources_group WHERE subscription_id = ? AND key = ?",
                             {to_lower(subscription_id), to_lower(name)}));
    if (!row) return std::optional<ResourceGroup>();
    return std::optional<ResourceGroup>(TRY(from_row(*row)));
  });
}

Result<std::vector<ResourceGroup>> Store::list(const std::string& subscription_id) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<ResourceGroup>> {
    std::vector<ResourceGroup> groups;
    for (const db::Row& row :
         TRY(reader.query("SELECT subscription_id, name, location, tags FROM resources_group "
                          "WHERE subscription_id = ? ORDER BY key",
                          {to_lower(subscription_id)})))
      groups.push_back(TRY(from_row(row)));
    return groups;
  });
}

Result<void> Store::erase(const std::string& subscription_id, const std::string& name,
                          const std::function<Result<void>(db::Tx&)>& also) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(tx.exec("DELETE FROM resources_group WHERE subscription_id = ? AND key = ?",
                {to_lower(subscription_id), to_lower(name)}));
    return also(tx);
  });
}

Result<bool> Store::put(const ResourceGroup& group) {
  return handle_.write([&](db::Tx& tx) -> Result<bool> {
    std::string key = to_lower(group.name), subscription = to_lower(group.subscription_id);
    int64_t updated =
        TRY(tx.exec("UPDATE resources_group SET location = ?, tags = ? "
                    "WHERE subscription_id = ? AND key = ?",
                    {group.location, group.tags.dump(), subscription, key}));
    if (updated > 0) return false;
    TRY(tx.exec(
        "INSERT INTO resources_group (subscription_id, key, name, location, tags, "
        "created_us) VALUES (?, ?, ?, ?, ?, ?)",
        {subscription, key, group.name, group.location, group.tags.dump(), to_micros(now())}));
    return true;
  });
}

}  // namespace lazuli::resources
