// SPDX-License-Identifier: Apache-2.0
#include "services/directory/app_role_store.h"

#include "base/strings.h"

namespace lazuli::directory {
namespace {

constexpr std::string_view kSelect =
    "SELECT id, principal_id, resource_id, role_id, created_us FROM directory_app_role ";

Result<std::vector<AppRoleAssignment>> select(db::Executor& db, std::string_view condition,
                                              const std::string& value) {
  std::vector<AppRoleAssignment> all;
  for (const db::Row& row :
       TRY(db.query(cat({kSelect, "WHERE ", condition, " = ? ORDER BY id"}), {value})))
    all.push_back(
        {row.text(0), row.text(1), row.text(2), row.text(3), from_micros(row.integer(4))});
  return all;
}

}  // namespace

Result<void> AppRoleStore::add(db::Tx& tx, const AppRoleAssignment& assignment) {
  TRY(
      tx.exec("INSERT INTO directory_app_role (id, principal_id, resource_id, role_id, created_us) "
              "VALUES (?, ?, ?, ?, ?)",
              {assignment.id, assignment.principal_id, assignment.resource_id, assignment.role_id,
               to_micros(assignment.created)}));
  return {};
}

Result<void> AppRoleStore::remove(db::Tx& tx, const std::string& id) {
  TRY(tx.exec("DELETE FROM directory_app_role WHERE id = ?", {id}));
  return {};
}

Result<std::optional<AppRoleAssignment>> AppRoleStore::find(db::Executor& db,
                                                            const std::string& id) {
  std::vector<AppRoleAssignment> found = TRY(select(db, "id", id));
  if (found.empty()) return std::optional<AppRoleAssignment>();
  return std::optional(std::move(found.front()));
}

Result<std::vector<AppRoleAssignment>> AppRoleStore::of_principal(db::Executor& db,
                                                                  const std::string& principal_id) {
  return select(db, "principal_id", principal_id);
}

Result<std::vector<AppRoleAssignment>> AppRoleStore::of_resource(db::Executor& db,
                                                                 const std::string& resource_id) {
  return select(db, "resource_id", resource_id);
}

Result<std::vector<std::string>> AppRoleStore::held(db::Executor& db,
                                                    const std::string& principal_id,
                                                    const std::string& resource_id) {
  std::vector<std::string> ids;
  for (const db::Row& row :
       TRY(db.query("SELECT DISTINCT role_id FROM directory_app_role WHERE resource_id = ? AND "
                    "(principal_id = ? OR principal_id IN (SELECT group_id FROM directory_member "
                    "WHERE member_id = ?)) ORDER BY role_id",
                    {resource_id, principal_id, principal_id})))
    ids.push_back(row.text(0));
  return ids;
}

}  // namespace lazuli::directory
