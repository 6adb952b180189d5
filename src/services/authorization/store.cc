// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/store.h"

#include "base/time.h"

namespace lazuli::authorization {

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
       "identity"}};
}

Result<void> Store::ensure_assignment(db::Tx& caller, const RoleAssignment& wanted) {
  TRY(handle_.join(caller).exec(
      "INSERT INTO authorization_assignment (name, object_id, role_id, scope, created_us) "
      "VALUES (?, ?, ?, ?, ?) ON CONFLICT (object_id, role_id, scope) DO NOTHING",
      {wanted.name, wanted.object_id, wanted.role_id, wanted.scope, to_micros(now())}));
  return {};
}

Result<std::vector<RoleAssignment>> Store::assignments() {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<RoleAssignment>> {
    std::vector<RoleAssignment> all;
    for (const db::Row& row : TRY(reader.query(
             "SELECT name, object_id, role_id, scope FROM authorization_assignment ORDER BY name")))
      all.push_back({row.text(0), row.text(1), row.text(2), row.text(3)});
    return all;
  });
}

}  // namespace lazuli::authorization
