// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/store.h"

#include "base/strings.h"
#include "db/path_range.h"
#include "services/authorization/scope.h"
#include "services/authorization/wire.h"

namespace lazuli::authorization {
namespace {

constexpr std::string_view kAssignmentColumns =
    "name, principal_id, principal_type, role_id, scope, condition, condition_version, "
    "description, delegated_id, created_by, updated_by, created_us, updated_us";
constexpr std::string_view kGroupColumns =
    "name, display_name, parent, version, updated_by, updated_us";

RoleAssignment assignment_from(const db::Row& row) {
  return {row.text(0),
          row.text(1),
          row.text(2),
          row.text(3),
          row.text(4),
          row.text(5),
          row.text(6),
          row.text(7),
          row.text(8),
          {row.text(9), row.text(10), from_micros(row.integer(11)), from_micros(row.integer(12))}};
}

ManagementGroup group_from(const db::Row& row) {
  return {row.text(0),    row.text(1), row.text(2),
          row.integer(3), row.text(4), from_micros(row.integer(5))};
}

Result<RoleDefinition> role_from(const db::Row& row) {
  RoleDefinition role = role_from_json(TRY(Json::parse(row.text(0))));
  role.custom = true;
  role.stamp = {row.text(1), row.text(2), from_micros(row.integer(3)), from_micros(row.integer(4))};
  return role;
}

Result<DenyAssignment> denial_from(const db::Row& row) {
  DenyAssignment denial = denial_from_json(TRY(Json::parse(row.text(0))));
  denial.stamp = {row.text(1), row.text(2), from_micros(row.integer(3)),
                  from_micros(row.integer(4))};
  return denial;
}

Result<std::optional<RoleAssignment>> one_assignment(db::Executor& db, std::string_view where,
                                                     const std::vector<db::Param>& params) {
  auto row = TRY(db.query_one(
      cat({"SELECT ", kAssignmentColumns, " FROM authorization_role_assignment WHERE ", where}),
      params));
  if (!row) return std::optional<RoleAssignment>();
  return std::optional<RoleAssignment>(assignment_from(*row));
}

Result<void> load_rest(db::Reader& db, PolicyData& data) {
  for (const db::Row& row : TRY(db.query(
           "SELECT body, created_by, updated_by, created_us, updated_us FROM authorization_role "
           "ORDER BY name_key")))
    data.roles.push_back(TRY(role_from(row)));
  for (const db::Row& row : TRY(db.query(
           "SELECT body, created_by, updated_by, created_us, updated_us FROM authorization_denial "
           "ORDER BY id")))
    data.denials.push_back(TRY(denial_from(row)));
  for (const db::Row& row : TRY(db.query(
           cat({"SELECT ", kGroupColumns, " FROM authorization_group ORDER BY name_key"}))))
    data.groups.push_back(group_from(row));
  for (const db::Row& row :
       TRY(db.query("SELECT subscription, group_key FROM authorization_placement")))
    data.placements.emplace(row.text(0), row.text(1));
  return {};
}

}  // namespace

std::vector<db::Migration> Store::migrations() {
  return {
      {"authorization", 1,
       "CREATE TABLE authorization_assignment (name {text} PRIMARY KEY, object_id {text} NOT NULL, "
       "role_id {text} NOT NULL, scope {text} NOT NULL, created_us {int} NOT NULL, "
       "UNIQUE (object_id, role_id, scope))"},
      // Assignments were the identity service's. Its table may not be there yet: then it is made
      // (in the form it had), found empty and dropped.
      {"authorization", 2,
       "CREATE TABLE IF NOT EXISTS identity_role_assignment (name {text} PRIMARY KEY, "
       "object_id {text} NOT NULL, role_id {text} NOT NULL, scope {text} NOT NULL, "
       "created_us {int} NOT NULL); "
       "INSERT INTO authorization_assignment (name, object_id, role_id, scope, created_us) "
       "SELECT name, object_id, role_id, scope, created_us FROM identity_role_assignment; "
       "DROP TABLE identity_role_assignment",
       "identity"},
      // Until here only service principals could hold a role.
      {"authorization", 3,
       "CREATE TABLE authorization_role_assignment (name {text} PRIMARY KEY, "
       "principal_id {text} NOT NULL, principal_type {text} NOT NULL, role_id {text} NOT NULL, "
       "scope {text} NOT NULL, scope_key {text} NOT NULL, condition {text} NOT NULL, "
       "condition_version {text} NOT NULL, description {text} NOT NULL, "
       "delegated_id {text} NOT NULL, created_by {text} NOT NULL, updated_by {text} NOT NULL, "
       "created_us {int} NOT NULL, updated_us {int} NOT NULL, "
       "UNIQUE (principal_id, role_id, scope_key)); "
       "INSERT INTO authorization_role_assignment SELECT name, object_id, 'ServicePrincipal', "
       "role_id, scope, CASE WHEN scope = '/' THEN '' ELSE lower(scope) END, '', '', '', '', '', "
       "'', created_us, created_us FROM authorization_assignment; "
       "DROP TABLE authorization_assignment; "
       "CREATE TABLE authorization_role (id {text} PRIMARY KEY, name_key {text} NOT NULL UNIQUE, "
       "body {text} NOT NULL, created_by {text} NOT NULL, updated_by {text} NOT NULL, "
       "created_us {int} NOT NULL, updated_us {int} NOT NULL); "
       "CREATE TABLE authorization_seeded (role_id {text} PRIMARY KEY); "
       "CREATE TABLE authorization_denial (id {text} PRIMARY KEY, scope_key {text} NOT NULL, "
       "body {text} NOT NULL, created_by {text} NOT NULL, updated_by {text} NOT NULL, "
       "created_us {int} NOT NULL, updated_us {int} NOT NULL); "
       "CREATE TABLE authorization_group (name_key {text} PRIMARY KEY, name {text} NOT NULL, "
       "display_name {text} NOT NULL, parent {text} NOT NULL, parent_key {text} NOT NULL, "
       "version {int} NOT NULL, updated_by {text} NOT NULL, updated_us {int} NOT NULL); "
       "CREATE TABLE authorization_placement (subscription {text} PRIMARY KEY, "
       "group_key {text} NOT NULL)"}};
}

Result<PolicyData> Store::load() {
  return handle_.read([&](db::Reader& reader) -> Result<PolicyData> {
    PolicyData data;
    for (const db::Row& row :
         TRY(reader.query(cat({"SELECT ", kAssignmentColumns,
                               " FROM authorization_role_assignment ORDER BY created_us, name"}))))
      data.assignments.push_back(assignment_from(row));
    TRY(load_rest(reader, data));
    return data;
  });
}

Result<std::optional<RoleAssignment>> Store::find_assignment(db::Tx& caller,
                                                             const std::string& name) {
  return one_assignment(handle_.join(caller), "name = ?", {name});
}

Result<std::optional<RoleAssignment>> Store::find_same(db::Tx& caller, const RoleAssignment& like) {
  return one_assignment(handle_.join(caller), "principal_id = ? AND role_id = ? AND scope_key = ?",
                        {like.principal_id, like.role_id, scope_key(like.scope)});
}

Result<void> Store::insert_assignment(db::Tx& caller, const RoleAssignment& a) {
  TRY(handle_.join(caller).exec(
      cat({"INSERT INTO authorization_role_assignment (", kAssignmentColumns,
           ", scope_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"}),
      {a.name, a.principal_id, a.principal_type, a.role_id, a.scope, a.condition,
       a.condition_version, a.description, a.delegated_id, a.stamp.created_by, a.stamp.updated_by,
       to_micros(a.stamp.created), to_micros(a.stamp.updated), scope_key(a.scope)}));
  return {};
}

Result<void> Store::update_assignment(db::Tx& caller, const RoleAssignment& a) {
  TRY(handle_.join(caller).exec(
      "UPDATE authorization_role_assignment SET principal_type = ?, condition = ?, "
      "condition_version = ?, description = ?, delegated_id = ?, updated_by = ?, updated_us = ? "
      "WHERE name = ?",
      {a.principal_type, a.condition, a.condition_version, a.description, a.delegated_id,
       a.stamp.updated_by, to_micros(a.stamp.updated), a.name}));
  return {};
}

Result<bool> Store::remove_assignment(db::Tx& caller, const std::string& name) {
  return TRY(handle_.join(caller).exec("DELETE FROM authorization_role_assignment WHERE name = ?",
                                       {name})) > 0;
}

Result<int64_t> Store::remove_assignments_of(db::Tx& caller, const std::string& principal_id) {
  return handle_.join(caller).exec(
      "DELETE FROM authorization_role_assignment WHERE principal_id = ?", {principal_id});
}

Result<int64_t> Store::remove_below(db::Tx& caller, const std::string& scope) {
  const std::string key = scope_key(scope);
  if (key.empty()) return invalid_argument("everything lies below the tenant");
  int64_t removed = 0;
  for (std::string_view table : {"authorization_role_assignment", "authorization_denial"})
    removed += TRY(db::erase_at_or_below(handle_.join(caller), table, "scope_key", key));
  return removed;
}

Result<bool> Store::role_is_assigned(db::Tx& caller, const std::string& role_id) {
  auto row = TRY(handle_.join(caller).query_one(
      "SELECT 1 FROM authorization_role_assignment WHERE role_id = ? LIMIT 1", {role_id}));
  return row.has_value();
}

Result<std::optional<RoleDefinition>> Store::find_role(db::Tx& caller, const std::string& id) {
  auto row = TRY(handle_.join(caller).query_one(
      "SELECT body, created_by, updated_by, created_us, updated_us FROM authorization_role "
      "WHERE id = ?",
      {id}));
  if (!row) return std::optional<RoleDefinition>();
  return std::optional<RoleDefinition>(TRY(role_from(*row)));
}

Result<bool> Store::name_is_taken(db::Tx& caller, const std::string& name,
                                  const std::string& but_id) {
  auto row = TRY(handle_.join(caller).query_one(
      "SELECT 1 FROM authorization_role WHERE name_key = ? AND id <> ?", {to_lower(name), but_id}));
  return row.has_value();
}

Result<void> Store::put_role(db::Tx& caller, const RoleDefinition& role) {
  TRY(handle_.join(caller).exec(
      "INSERT INTO authorization_role (id, name_key, body, created_by, updated_by, created_us, "
      "updated_us) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
      "name_key = excluded.name_key, body = excluded.body, updated_by = excluded.updated_by, "
      "updated_us = excluded.updated_us",
      {role.id, to_lower(role.name), role_body(role).dump(), role.stamp.created_by,
       role.stamp.updated_by, to_micros(role.stamp.created), to_micros(role.stamp.updated)}));
  return {};
}

Result<bool> Store::remove_role(db::Tx& caller, const std::string& id) {
  return TRY(handle_.join(caller).exec("DELETE FROM authorization_role WHERE id = ?", {id})) > 0;
}

Result<bool> Store::mark_seeded(db::Tx& caller, const std::string& role_id) {
  return TRY(handle_.join(caller).exec(
             "INSERT INTO authorization_seeded (role_id) VALUES (?) ON CONFLICT DO NOTHING",
             {role_id})) > 0;
}

Result<std::optional<DenyAssignment>> Store::find_denial(db::Tx& caller, const std::string& id) {
  auto row = TRY(handle_.join(caller).query_one(
      "SELECT body, created_by, updated_by, created_us, updated_us FROM authorization_denial "
      "WHERE id = ?",
      {id}));
  if (!row) return std::optional<DenyAssignment>();
  return std::optional<DenyAssignment>(TRY(denial_from(*row)));
}

Result<void> Store::put_denial(db::Tx& caller, const DenyAssignment& denial) {
  TRY(handle_.join(caller).exec(
      "INSERT INTO authorization_denial (id, scope_key, body, created_by, updated_by, created_us, "
      "updated_us) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
      "scope_key = excluded.scope_key, body = excluded.body, updated_by = excluded.updated_by, "
      "updated_us = excluded.updated_us",
      {denial.id, scope_key(denial.scope), denial_body(denial).dump(), denial.stamp.created_by,
       denial.stamp.updated_by, to_micros(denial.stamp.created), to_micros(denial.stamp.updated)}));
  return {};
}

Result<bool> Store::remove_denial(db::Tx& caller, const std::string& id) {
  return TRY(handle_.join(caller).exec("DELETE FROM authorization_denial WHERE id = ?", {id})) > 0;
}

Result<void> Store::put_group(db::Tx& caller, const ManagementGroup& group) {
  TRY(handle_.join(caller).exec(
      "INSERT INTO authorization_group (name_key, name, display_name, parent, parent_key, version, "
      "updated_by, updated_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name_key) DO UPDATE "
      "SET display_name = excluded.display_name, parent = excluded.parent, "
      "parent_key = excluded.parent_key, version = excluded.version, "
      "updated_by = excluded.updated_by, updated_us = excluded.updated_us",
      {to_lower(group.name), group.name, group.display_name, group.parent, to_lower(group.parent),
       group.version, group.updated_by, to_micros(group.updated)}));
  return {};
}

Result<bool> Store::remove_group(db::Tx& caller, const std::string& name) {
  return TRY(handle_.join(caller).exec("DELETE FROM authorization_group WHERE name_key = ?",
                                       {to_lower(name)})) > 0;
}

Result<bool> Store::group_is_empty(db::Tx& caller, const std::string& name) {
  db::Tx& tx = handle_.join(caller);
  const std::string key = to_lower(name);
  auto group =
      TRY(tx.query_one("SELECT 1 FROM authorization_group WHERE parent_key = ? LIMIT 1", {key}));
  auto placed =
      TRY(tx.query_one("SELECT 1 FROM authorization_placement WHERE group_key = ? LIMIT 1", {key}));
  return !group && !placed;
}

Result<void> Store::place(db::Tx& caller, const std::string& subscription,
                          const std::string& group) {
  db::Tx& tx = handle_.join(caller);
  TRY(tx.exec("DELETE FROM authorization_placement WHERE subscription = ?",
              {to_lower(subscription)}));
  if (group.empty()) return {};
  TRY(tx.exec("INSERT INTO authorization_placement (subscription, group_key) VALUES (?, ?)",
              {to_lower(subscription), to_lower(group)}));
  return {};
}

}  // namespace lazuli::authorization
