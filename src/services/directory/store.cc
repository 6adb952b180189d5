// SPDX-License-Identifier: Apache-2.0
#include "services/directory/store.h"

#include "base/strings.h"
#include "db/path_range.h"

namespace lazuli::directory {
namespace {

constexpr std::string_view kColumns =
    "SELECT object_id, kind, name, app_id, upn, resource_id, explicit_identity, enabled, "
    "not_before_us, created_us, properties FROM directory_object ";

Result<Object> object_from(const db::Row& row) {
  Object object;
  object.object_id = row.text(0);
  object.kind = row.text(1);
  object.name = row.text(2);
  object.app_id = row.optional_text(3);
  object.upn = row.optional_text(4);
  object.resource_id = row.optional_text(5);
  object.explicit_identity = row.boolean(6);
  object.enabled = row.boolean(7);
  object.not_before = from_micros(row.integer(8));
  object.created = from_micros(row.integer(9));
  object.properties = TRY(Json::parse(row.text(10)));
  return object;
}

Result<std::optional<Object>> find_where(db::Executor& db, std::string_view condition,
                                         db::Params params) {
  auto row = TRY(db.query_one(cat({kColumns, "WHERE ", condition}), params));
  if (!row) return std::optional<Object>();
  return std::optional<Object>(TRY(object_from(*row)));
}

Result<std::vector<Object>> objects(const db::Rows& rows) {
  std::vector<Object> all;
  for (const db::Row& row : rows) all.push_back(TRY(object_from(row)));
  return all;
}

std::optional<std::string> key_of(const std::optional<std::string>& text) {
  if (!text) return {};
  return to_lower(*text);
}

constexpr const char* kObjects =
    "CREATE TABLE directory_object (object_id {text} PRIMARY KEY, kind {text} NOT NULL, "
    "name {text} NOT NULL, app_id {text}, upn {text}, upn_key {text} UNIQUE, "
    "resource_id {text}, resource_key {text} UNIQUE, explicit_identity {int} NOT NULL, "
    "enabled {int} NOT NULL, not_before_us {int} NOT NULL, created_us {int} NOT NULL, "
    "properties {text} NOT NULL, UNIQUE (kind, app_id)); "
    "CREATE TABLE directory_well_known (name {text} PRIMARY KEY, object_id {text} NOT NULL "
    "REFERENCES directory_object (object_id) ON DELETE CASCADE); "
    "CREATE INDEX directory_object_name ON directory_object (kind, name); "
    "CREATE TABLE directory_member (group_id {text} NOT NULL REFERENCES directory_object "
    "(object_id) ON DELETE CASCADE, member_id {text} NOT NULL REFERENCES directory_object "
    "(object_id) ON DELETE CASCADE, PRIMARY KEY (group_id, member_id)); "
    "CREATE INDEX directory_member_of ON directory_member (member_id); "
    "CREATE TABLE directory_owner (object_id {text} NOT NULL REFERENCES directory_object "
    "(object_id) ON DELETE CASCADE, owner_id {text} NOT NULL REFERENCES directory_object "
    "(object_id) ON DELETE CASCADE, PRIMARY KEY (object_id, owner_id)); "
    "CREATE INDEX directory_owner_of ON directory_owner (owner_id); ";

constexpr const char* kCredentials =
    "CREATE TABLE directory_secret (key_id {text} PRIMARY KEY, object_id {text} NOT NULL "
    "REFERENCES "
    "directory_object (object_id) ON DELETE CASCADE, name {text} NOT NULL, hint {text} NOT NULL, "
    "hash {text} NOT NULL, start_us {int} NOT NULL, end_us {int} NOT NULL); "
    "CREATE INDEX directory_secret_of ON directory_secret (object_id); "
    "CREATE TABLE directory_certificate (key_id {text} PRIMARY KEY, object_id {text} NOT NULL "
    "REFERENCES directory_object (object_id) ON DELETE CASCADE, name {text} NOT NULL, "
    "usage {text} NOT NULL, der {blob} NOT NULL, sha1 {blob} NOT NULL, sha256 {blob} NOT NULL, "
    "start_us {int} NOT NULL, end_us {int} NOT NULL); "
    "CREATE INDEX directory_certificate_of ON directory_certificate (object_id); "
    "CREATE TABLE directory_federation (id {text} PRIMARY KEY, object_id {text} NOT NULL "
    "REFERENCES directory_object (object_id) ON DELETE CASCADE, name {text} NOT NULL, "
    "issuer {text} NOT NULL, subject {text} NOT NULL, audiences {text} NOT NULL, "
    "description {text} NOT NULL, UNIQUE (object_id, name), "
    "UNIQUE (object_id, issuer, subject)); "
    "CREATE TABLE directory_password (object_id {text} PRIMARY KEY REFERENCES directory_object "
    "(object_id) ON DELETE CASCADE, hash {text} NOT NULL, must_change {int} NOT NULL, "
    "changed_us {int} NOT NULL, failures {int} NOT NULL, locked_until_us {int} NOT NULL); "
    "CREATE TABLE directory_provider (id {text} PRIMARY KEY, name {text} NOT NULL, issuer {text} "
    "NOT NULL UNIQUE, client_id {text} NOT NULL, sealed_secret {blob} NOT NULL, scopes {text} "
    "NOT NULL); "
    "CREATE TABLE directory_external (issuer {text} NOT NULL, subject {text} NOT NULL, object_id "
    "{text} NOT NULL REFERENCES directory_object (object_id) ON DELETE CASCADE, "
    "PRIMARY KEY (issuer, subject)); "
    "CREATE INDEX directory_external_of ON directory_external (object_id)";

// Service principals and secrets were identity's before. A secret's id is drawn from its hash, and
// it lasts as it did then: without end.
constexpr const char* kTakeOver =
    "CREATE TABLE IF NOT EXISTS identity_principal (app_id {text} PRIMARY KEY, object_id {text} "
    "NOT NULL UNIQUE, name {text} NOT NULL UNIQUE, created_us {int} NOT NULL); "
    "CREATE TABLE IF NOT EXISTS identity_secret (app_id {text} NOT NULL, hash {text} NOT NULL, "
    "created_us {int} NOT NULL); "
    "INSERT INTO directory_object (object_id, kind, name, app_id, explicit_identity, enabled, "
    "not_before_us, created_us, properties) SELECT object_id, 'servicePrincipal', name, app_id, "
    "0, 1, 0, created_us, '{\"servicePrincipalType\":\"Application\"}' FROM identity_principal; "
    "INSERT INTO directory_well_known (name, object_id) SELECT name, object_id FROM "
    "identity_principal; "
    "INSERT INTO directory_secret (key_id, object_id, name, hint, hash, start_us, end_us) "
    "SELECT substr(s.hash, 1, 8) || '-' || substr(s.hash, 9, 4) || '-' || substr(s.hash, 13, 4) || "
    "'-' || substr(s.hash, 17, 4) || '-' || substr(s.hash, 21, 12), p.object_id, '', '', s.hash, "
    "s.created_us, 253402300799000000 FROM identity_secret s JOIN identity_principal p ON "
    "p.app_id = s.app_id; "
    "DROP TABLE identity_secret; DROP TABLE identity_principal";

constexpr const char* kConsentAndSetup =
    "CREATE TABLE directory_consent (id {text} PRIMARY KEY, client_id {text} NOT NULL REFERENCES "
    "directory_object (object_id) ON DELETE CASCADE, resource_id {text} NOT NULL REFERENCES "
    "directory_object (object_id) ON DELETE CASCADE, principal_id {text} NOT NULL, consent_type "
    "{text} NOT NULL, scope {text} NOT NULL, UNIQUE (client_id, resource_id, principal_id)); "
    "CREATE TABLE directory_setup (id {int} PRIMARY KEY, hash {text} NOT NULL, expires_us {int} "
    "NOT NULL)";

constexpr const char* kMatching =
    "ALTER TABLE directory_provider ADD COLUMN match_email {int} NOT NULL DEFAULT 0";

constexpr const char* kAppRoles =
    "CREATE TABLE directory_app_role (id {text} PRIMARY KEY, principal_id {text} NOT NULL "
    "REFERENCES directory_object (object_id) ON DELETE CASCADE, resource_id {text} NOT NULL "
    "REFERENCES directory_object (object_id) ON DELETE CASCADE, role_id {text} NOT NULL, "
    "created_us {int} NOT NULL, UNIQUE (principal_id, resource_id, role_id)); "
    "CREATE INDEX directory_app_role_of ON directory_app_role (resource_id)";

}  // namespace

std::string_view to_string(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::kUser:
      return "User";
    case PrincipalKind::kGroup:
      return "Group";
    case PrincipalKind::kServicePrincipal:
      return "ServicePrincipal";
  }
  return "";
}

std::vector<db::Migration> Store::migrations() {
  return {{"directory", 1, cat({kObjects, kCredentials})},
          {"directory", 2, kTakeOver, "identity"},
          {"directory", 3, kConsentAndSetup},
          {"directory", 4, kMatching},
          {"directory", 5, kAppRoles}};
}

Result<void> Store::add(db::Tx& tx, const Object& object) {
  auto done = tx.exec(
      "INSERT INTO directory_object (object_id, kind, name, app_id, upn, upn_key, resource_id, "
      "resource_key, explicit_identity, enabled, not_before_us, created_us, properties) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {object.object_id, object.kind, object.name, key_of(object.app_id), object.upn,
       key_of(object.upn), object.resource_id, key_of(object.resource_id), object.explicit_identity,
       object.enabled, to_micros(object.not_before), to_micros(object.created),
       object.properties.dump()});
  if (done.ok()) return {};
  if (done.error().code == Code::kConflict)
    return conflict("another object with one of the same unique properties already exists",
                    "ObjectConflict");
  return done.error();
}

Result<void> Store::update(db::Tx& tx, const Object& object) {
  auto done = tx.exec(
      "UPDATE directory_object SET name = ?, upn = ?, upn_key = ?, resource_id = ?, "
      "resource_key = ?, enabled = ?, not_before_us = ?, properties = ? WHERE object_id = ?",
      {object.name, object.upn, key_of(object.upn), object.resource_id, key_of(object.resource_id),
       object.enabled, to_micros(object.not_before), object.properties.dump(), object.object_id});
  if (done.ok()) return {};
  if (done.error().code == Code::kConflict)
    return conflict("another object with one of the same unique properties already exists",
                    "ObjectConflict");
  return done.error();
}

Result<bool> Store::remove(db::Tx& tx, const std::string& object_id) {
  return TRY(tx.exec("DELETE FROM directory_object WHERE object_id = ?", {object_id})) > 0;
}

Result<bool> Store::set_not_before(db::Tx& tx, const std::string& object_id, Timestamp time) {
  return TRY(tx.exec("UPDATE directory_object SET not_before_us = ? WHERE object_id = ?",
                     {to_micros(time), object_id})) > 0;
}

Result<bool> Store::set_enabled(db::Tx& tx, const std::string& object_id, bool enabled) {
  return TRY(tx.exec("UPDATE directory_object SET enabled = ? WHERE object_id = ?",
                     {enabled, object_id})) > 0;
}

Result<std::optional<Object>> Store::find(db::Executor& db, const std::string& object_id) {
  return find_where(db, "object_id = ?", {to_lower(object_id)});
}

Result<std::optional<Object>> Store::find_by_app_id(db::Executor& db, std::string_view kind,
                                                    const std::string& app_id) {
  return find_where(db, "kind = ? AND app_id = ?", {kind, to_lower(app_id)});
}

Result<std::optional<Object>> Store::find_by_upn(db::Executor& db, const std::string& upn) {
  return find_where(db, "upn_key = ?", {to_lower(upn)});
}

Result<std::optional<Object>> Store::find_by_resource_id(db::Executor& db,
                                                         const std::string& resource_id) {
  return find_where(db, "resource_key = ?", {to_lower(resource_id)});
}

// The text is looked for first: there is no column for what an application is called.
Result<std::optional<Object>> Store::find_by_identifier_uri(db::Executor& db,
                                                            const std::string& uri) {
  constexpr size_t kUriMax = 1024;  // patterns are bounded, too
  if (uri.size() > kUriMax || !is_utf8(uri)) return std::optional<Object>();
  std::string pattern = "%";
  for (char c : Json(uri).dump()) {
    if (c == '%' || c == '_' || c == '!') pattern += '!';
    pattern += c;
  }
  db::Rows rows = TRY(db.query(cat({kColumns, "WHERE kind = ? AND properties LIKE ? ESCAPE '!'"}),
                               {kApplication, pattern + "%"}));
  std::vector<Object> found = TRY(objects(rows));
  for (const Object& each : found) {
    const Json& properties = each.properties;
    for (const Json& known : properties["identifierUris"].items())
      if (known.str() == uri) return std::optional<Object>(each);
  }
  return std::optional<Object>();
}

Result<std::optional<Object>> Store::find_well_known(db::Executor& db, const std::string& name) {
  return find_where(db, "object_id = (SELECT object_id FROM directory_well_known WHERE name = ?)",
                    {name});
}

Result<void> Store::add_well_known(db::Tx& tx, const std::string& name,
                                   const std::string& object_id) {
  TRY(tx.exec("INSERT INTO directory_well_known (name, object_id) VALUES (?, ?)",
              {name, object_id}));
  return {};
}

Result<std::vector<Object>> Store::list(db::Executor& db, std::string_view kind,
                                        const std::string& after, size_t count_max) {
  return objects(
      TRY(db.query(cat({kColumns, "WHERE kind = ? AND object_id > ? ORDER BY object_id LIMIT ?"}),
                   {kind, after, count_max})));
}

Result<std::vector<Object>> Store::find_all(db::Executor& db,
                                            const std::vector<std::string>& object_ids) {
  std::vector<Object> found;
  for (const std::string& id : object_ids)
    if (auto object = TRY(find(db, id))) found.push_back(std::move(*object));
  return found;
}

// What lies below "/a/b" has keys from "/a/b/" to before "/a/b0": '0' follows '/'.
Result<std::vector<Object>> Store::identities_below(db::Executor& db, const std::string& scope) {
  std::string key = to_lower(scope);
  return objects(
      TRY(db.query(cat({kColumns,
                        "WHERE resource_key >= ? AND resource_key < ? AND explicit_identity = 1 "
                        "ORDER BY resource_key"}),
                   {key + "/", key + "0"})));
}

Result<std::vector<Object>> Store::principals_below(db::Executor& db, const std::string& scope) {
  return objects(TRY(db.query(cat({kColumns, "WHERE ", db::at_or_below("resource_key")}),
                              db::path_range(to_lower(scope)))));
}

Result<bool> Store::is_well_known(db::Executor& db, const Object& object) {
  auto row = TRY(db.query_one(
      "SELECT 1 FROM directory_well_known w JOIN directory_object o ON o.object_id = w.object_id "
      "WHERE o.object_id = ? OR o.app_id = ?",
      {object.object_id, object.app_id}));
  return row.has_value();
}

Result<std::vector<std::string>> Store::groups_of(db::Executor& db, const std::string& member_id) {
  std::vector<std::string> groups;
  for (const db::Row& row :
       TRY(db.query("WITH RECURSIVE above (id) AS (SELECT group_id FROM directory_member WHERE "
                    "member_id = ? UNION SELECT m.group_id FROM directory_member m JOIN above ON "
                    "m.member_id = above.id) SELECT id FROM above ORDER BY id",
                    {to_lower(member_id)})))
    groups.push_back(row.text(0));
  return groups;
}

namespace {

// The table of a relation, and its two columns: whose, and who.
struct Names {
  std::string_view table, object, other;
};
Names names_of(Relation relation) {
  if (relation == Relation::kMember) return {"directory_member", "group_id", "member_id"};
  return {"directory_owner", "object_id", "owner_id"};
}

}  // namespace

Result<bool> RelationStore::add(db::Tx& tx, Relation relation, const std::string& object_id,
                                const std::string& other_id) {
  Names names = names_of(relation);
  return TRY(tx.exec(cat({"INSERT INTO ", names.table, " (", names.object, ", ", names.other,
                          ") VALUES (?, ?) ON CONFLICT DO NOTHING"}),
                     {object_id, other_id})) > 0;
}

Result<bool> RelationStore::remove(db::Tx& tx, Relation relation, const std::string& object_id,
                                   const std::string& other_id) {
  Names names = names_of(relation);
  return TRY(tx.exec(cat({"DELETE FROM ", names.table, " WHERE ", names.object, " = ? AND ",
                          names.other, " = ?"}),
                     {object_id, other_id})) > 0;
}

Result<std::vector<Object>> RelationStore::of(db::Executor& db, Relation relation,
                                              const std::string& object_id) {
  Names names = names_of(relation);
  return objects(
      TRY(db.query(cat({kColumns, "WHERE object_id IN (SELECT ", names.other, " FROM ", names.table,
                        " WHERE ", names.object, " = ?) ORDER BY object_id"}),
                   {object_id})));
}

Result<std::vector<Object>> RelationStore::held_by(db::Executor& db, Relation relation,
                                                   const std::string& other_id) {
  Names names = names_of(relation);
  return objects(
      TRY(db.query(cat({kColumns, "WHERE object_id IN (SELECT ", names.object, " FROM ",
                        names.table, " WHERE ", names.other, " = ?) ORDER BY object_id"}),
                   {other_id})));
}

Result<std::vector<Object>> RelationStore::transitive_members(db::Executor& db,
                                                              const std::string& group_id) {
  return objects(TRY(
      db.query(cat({"WITH RECURSIVE below (id) AS (SELECT member_id FROM directory_member WHERE "
                    "group_id = ? UNION SELECT m.member_id FROM directory_member m JOIN below ON "
                    "m.group_id = below.id) ",
                    kColumns, "WHERE object_id IN (SELECT id FROM below) ORDER BY object_id"}),
               {group_id})));
}

}  // namespace lazuli::directory
