// SPDX-License-Identifier: Apache-2.0
#include "services/identity/store.h"

namespace lazuli::identity {

std::vector<db::Migration> Store::migrations() {
  return {
      {"identity", 1,
       "CREATE TABLE identity_signing_key (kid {text} PRIMARY KEY, sealed_pem {blob} NOT NULL, "
       "created_us {int} NOT NULL); "
       "CREATE TABLE identity_principal (app_id {text} PRIMARY KEY, object_id {text} NOT NULL "
       "UNIQUE, name {text} NOT NULL UNIQUE, created_us {int} NOT NULL); "
       "CREATE TABLE identity_secret (app_id {text} NOT NULL REFERENCES identity_principal "
       "(app_id) "
       "ON DELETE CASCADE, hash {text} NOT NULL, created_us {int} NOT NULL, "
       "PRIMARY KEY (app_id, hash)); "
       "CREATE TABLE identity_role_assignment (name {text} PRIMARY KEY, object_id {text} NOT NULL, "
       "role_id {text} NOT NULL, scope {text} NOT NULL, created_us {int} NOT NULL, "
       "UNIQUE (object_id, role_id, scope)); "
       "CREATE TABLE identity_revoked_job (job_id {text} PRIMARY KEY, revoked_us {int} NOT NULL)"}};
}

Result<std::vector<SigningKey>> Store::signing_keys() {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<SigningKey>> {
    std::vector<SigningKey> keys;
    for (const db::Row& row : TRY(reader.query("SELECT kid, sealed_pem, created_us "
                                               "FROM identity_signing_key ORDER BY created_us")))
      keys.push_back({row.text(0), row.blob(1), from_micros(row.integer(2))});
    return keys;
  });
}

Result<void> Store::add_signing_key(const SigningKey& key) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(tx.exec("INSERT INTO identity_signing_key (kid, sealed_pem, created_us) VALUES (?, ?, ?)",
                {key.kid, db::Blob{key.sealed_pem}, to_micros(key.created)}));
    return {};
  });
}

Result<void> Store::revoke_job(db::Tx& caller, const std::string& job_id) {
  db::Tx& tx = handle_.join(caller);
  TRY(
      tx.exec("INSERT INTO identity_revoked_job (job_id, revoked_us) VALUES (?, ?) "
              "ON CONFLICT DO NOTHING",
              {job_id, to_micros(now())}));
  return {};
}

Result<bool> Store::is_job_revoked(const std::string& job_id) {
  return handle_.read([&](db::Reader& reader) -> Result<bool> {
    auto row =
        TRY(reader.query_one("SELECT 1 FROM identity_revoked_job WHERE job_id = ?", {job_id}));
    return row.has_value();
  });
}

}  // namespace lazuli::identity
