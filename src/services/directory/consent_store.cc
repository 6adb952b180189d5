// SPDX-License-Identifier: Apache-2.0
#include "services/directory/consent_store.h"

namespace lazuli::directory {
namespace {

Consent consent_from(const db::Row& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5)};
}

}  // namespace

Result<std::vector<Consent>> ConsentStore::list(db::Executor& db) {
  std::vector<Consent> all;
  for (const db::Row& row :
       TRY(db.query("SELECT id, client_id, resource_id, principal_id, consent_type, scope FROM "
                    "directory_consent ORDER BY id")))
    all.push_back(consent_from(row));
  return all;
}

Result<std::optional<Consent>> ConsentStore::find(db::Executor& db, const std::string& id) {
  auto row =
      TRY(db.query_one("SELECT id, client_id, resource_id, principal_id, consent_type, scope FROM "
                       "directory_consent WHERE id = ?",
                       {id}));
  if (!row) return std::optional<Consent>();
  return std::optional<Consent>(consent_from(*row));
}

Result<void> ConsentStore::add(db::Tx& tx, const Consent& consent) {
  TRY(
      tx.exec("INSERT INTO directory_consent (id, client_id, resource_id, principal_id, "
              "consent_type, scope) VALUES (?, ?, ?, ?, ?, ?)",
              {consent.id, consent.client_id, consent.resource_id, consent.principal_id,
               consent.consent_type, consent.scope}));
  return {};
}

Result<void> ConsentStore::set_scope(db::Tx& tx, const std::string& id, const std::string& scope) {
  TRY(tx.exec("UPDATE directory_consent SET scope = ? WHERE id = ?", {scope, id}));
  return {};
}

Result<bool> ConsentStore::remove(db::Tx& tx, const std::string& id) {
  return TRY(tx.exec("DELETE FROM directory_consent WHERE id = ?", {id})) > 0;
}

}  // namespace lazuli::directory
