// SPDX-License-Identifier: Apache-2.0
#include "services/resources/store.h"

#include "base/strings.h"
#include "core/groups.h"

namespace lazuli::resources {
namespace {

Result<ResourceGroup> from_row(const db::Row& row) {
  return ResourceGroup{row.text(0), row.text(1), row.text(2), TRY(Json::parse(row.text(3))),
                       row.boolean(4)};
}

Result<std::optional<ResourceGroup>> find_in(db::Executor& db, const std::string& subscription_id,
                                             const std::string& name) {
  auto row =
      TRY(db.query_one("SELECT subscription_id, name, location, tags, deleting "
                       "FROM resources_group WHERE subscription_id = ? AND key = ?",
                       {to_lower(subscription_id), to_lower(name)}));
  if (!row) return std::optional<ResourceGroup>();
  return std::optional<ResourceGroup>(TRY(from_row(*row)));
}

}  // namespace

Error being_deleted(const std::string& group) {
  return conflict(cat({"The resource group '", group,
                       "' is in deprovisioning state and cannot perform this operation."}),
                  "ResourceGroupBeingDeleted");
}

std::vector<db::Migration> Store::migrations() {
  return {{"resources", 1,
           "CREATE TABLE resources_group (subscription_id {text} NOT NULL, key {text} NOT NULL, "
           "name {text} NOT NULL, location {text} NOT NULL, tags {text} NOT NULL, "
           "created_us {int} NOT NULL, PRIMARY KEY (subscription_id, key))"},
          {"resources", 4,
           "ALTER TABLE resources_group ADD COLUMN deleting {int} NOT NULL DEFAULT 0;"
           "CREATE INDEX resources_deployment_time ON resources_deployment "
           "(scope_key, created_us, key)"}};
}

Result<std::optional<ResourceGroup>> Store::find(const std::string& subscription_id,
                                                 const std::string& name) {
  return handle_.read([&](db::Reader& reader) { return find_in(reader, subscription_id, name); });
}

Result<std::optional<ResourceGroup>> Store::find(db::Tx& tx, const std::string& subscription_id,
                                                 const std::string& name) {
  return find_in(handle_.join(tx), subscription_id, name);
}

Result<std::vector<ResourceGroup>> Store::list(const std::string& subscription_id) {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<ResourceGroup>> {
    std::vector<ResourceGroup> groups;
    for (const db::Row& row :
         TRY(reader.query("SELECT subscription_id, name, location, tags, deleting "
                          "FROM resources_group WHERE subscription_id = ? ORDER BY key",
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

Result<void> Store::begin_deleting(const std::string& subscription_id, const std::string& name) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    auto group = TRY(find_in(tx, subscription_id, name));
    if (!group)
      return not_found(cat({"Resource group '", name, "' could not be found."}),
                       "ResourceGroupNotFound");
    if (group->deleting) return being_deleted(name);
    TRY(tx.exec("UPDATE resources_group SET deleting = 1 WHERE subscription_id = ? AND key = ?",
                {to_lower(subscription_id), to_lower(name)}));
    return {};
  });
}

Result<void> Store::stop_deleting(const std::string& subscription_id, const std::string& name) {
  std::vector<db::Param> which{to_lower(subscription_id)};
  if (!name.empty()) which.emplace_back(to_lower(name));
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(tx.exec(cat({"UPDATE resources_group SET deleting = 0 WHERE subscription_id = ?",
                     name.empty() ? "" : " AND key = ?"}),
                which));
    return {};
  });
}

Result<bool> Store::put(const ResourceGroup& group) {
  return handle_.write([&](db::Tx& tx) -> Result<bool> {
    std::string key = to_lower(group.name), subscription = to_lower(group.subscription_id);
    if (auto before = TRY(find_in(tx, subscription, key))) {
      if (before->deleting) return being_deleted(before->name);
      if (core::region_of(before->location) != core::region_of(group.location))
        return conflict(
            cat({"Invalid resource group location '", group.location,
                 "'. The Resource group already exists in location '", before->location, "'."}),
            "InvalidResourceGroupLocation");
      TRY(tx.exec("UPDATE resources_group SET tags = ? WHERE subscription_id = ? AND key = ?",
                  {group.tags.dump(), subscription, key}));
      return false;
    }
    TRY(tx.exec(
        "INSERT INTO resources_group (subscription_id, key, name, location, tags, "
        "created_us) VALUES (?, ?, ?, ?, ?, ?)",
        {subscription, key, group.name, group.location, group.tags.dump(), to_micros(now())}));
    return true;
  });
}

}  // namespace lazuli::resources
