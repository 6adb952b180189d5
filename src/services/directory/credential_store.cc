// SPDX-License-Identifier: Apache-2.0
#include "services/directory/credential_store.h"

#include "base/strings.h"

namespace lazuli::directory {
namespace {

std::vector<std::string> audiences_from(const Json& json) {
  std::vector<std::string> all;
  for (const Json& each : json.items()) all.push_back(each.text());
  return all;
}

}  // namespace

Result<void> CredentialStore::add_secret(db::Tx& tx, const Secret& secret) {
  TRY(tx.exec(
      "INSERT INTO directory_secret (key_id, object_id, name, hint, hash, start_us, end_us) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      {secret.key_id, secret.object_id, secret.name, secret.hint, secret.hash,
       to_micros(secret.start), to_micros(secret.end)}));
  return {};
}

Result<std::vector<Secret>> CredentialStore::secrets_of(db::Executor& db,
                                                        const std::string& object_id) {
  std::vector<Secret> secrets;
  for (const db::Row& row :
       TRY(db.query("SELECT key_id, object_id, name, hint, hash, start_us, end_us FROM "
                    "directory_secret WHERE object_id = ? ORDER BY start_us, key_id",
                    {object_id})))
    secrets.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4),
                       from_micros(row.integer(5)), from_micros(row.integer(6))});
  return secrets;
}

Result<std::vector<std::string>> CredentialStore::secret_hashes(db::Executor& db,
                                                                const std::string& app_id,
                                                                Timestamp time) {
  std::vector<std::string> hashes;
  for (const db::Row& row :
       TRY(db.query("SELECT s.hash FROM directory_secret s JOIN directory_object o ON "
                    "o.object_id = s.object_id WHERE o.kind IN ('application', 'servicePrincipal') "
                    "AND o.app_id = ? AND s.start_us <= ? AND s.end_us > ?",
                    {to_lower(app_id), to_micros(time), to_micros(time)})))
    hashes.push_back(row.text(0));
  return hashes;
}

Result<bool> CredentialStore::remove_secret(db::Tx& tx, const std::string& object_id,
                                            const std::string& key_id) {
  return TRY(tx.exec("DELETE FROM directory_secret WHERE object_id = ? AND key_id = ?",
                     {object_id, to_lower(key_id)})) > 0;
}

Result<std::vector<Certificate>> CredentialStore::certificates(db::Executor& db,
                                                               const std::string& app_id,
                                                               Timestamp time) {
  std::vector<Certificate> certificates;
  for (const db::Row& row :
       TRY(db.query("SELECT c.key_id, c.der, c.sha1, c.sha256, c.start_us, c.end_us FROM "
                    "directory_certificate c JOIN directory_object o ON o.object_id = c.object_id "
                    "WHERE o.kind IN ('application', 'servicePrincipal') AND o.app_id = ? AND "
                    "c.start_us <= ? AND c.end_us > ? ORDER BY c.key_id",
                    {to_lower(app_id), to_micros(time), to_micros(time)})))
    certificates.push_back({row.text(0), row.blob(1), row.blob(2), row.blob(3),
                            from_micros(row.integer(4)), from_micros(row.integer(5))});
  return certificates;
}

Result<std::vector<KeptCertificate>> CredentialStore::certificates_of(
    db::Executor& db, const std::string& object_id) {
  std::vector<KeptCertificate> all;
  for (const db::Row& row :
       TRY(db.query("SELECT key_id, der, sha1, sha256, start_us, end_us, name, usage FROM "
                    "directory_certificate WHERE object_id = ? ORDER BY start_us, key_id",
                    {object_id}))) {
    KeptCertificate each;
    static_cast<Certificate&>(each) = {row.text(0),
                                       row.blob(1),
                                       row.blob(2),
                                       row.blob(3),
                                       from_micros(row.integer(4)),
                                       from_micros(row.integer(5))};
    each.name = row.text(6);
    each.usage = row.text(7);
    all.push_back(std::move(each));
  }
  return all;
}

Result<void> CredentialStore::add_certificate(db::Tx& tx, const std::string& object_id,
                                              const KeptCertificate& certificate) {
  TRY(
      tx.exec("INSERT INTO directory_certificate (key_id, object_id, name, usage, der, sha1, "
              "sha256, start_us, end_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
              {certificate.key_id, object_id, certificate.name, certificate.usage,
               db::Blob{certificate.der}, db::Blob{certificate.sha1}, db::Blob{certificate.sha256},
               to_micros(certificate.start), to_micros(certificate.end)}));
  return {};
}

Result<void> CredentialStore::remove_certificate(db::Tx& tx, const std::string& key_id) {
  TRY(tx.exec("DELETE FROM directory_certificate WHERE key_id = ?", {key_id}));
  return {};
}

Result<std::vector<KeptFederation>> CredentialStore::federations_of(db::Executor& db,
                                                                    const std::string& object_id) {
  std::vector<KeptFederation> all;
  for (const db::Row& row :
       TRY(db.query("SELECT id, name, issuer, subject, audiences, description FROM "
                    "directory_federation WHERE object_id = ? ORDER BY name",
                    {object_id}))) {
    KeptFederation each;
    each.id = row.text(0);
    each.name = row.text(1);
    each.issuer = row.text(2);
    each.subject = row.text(3);
    each.audiences = audiences_from(TRY(Json::parse(row.text(4))));
    each.description = row.text(5);
    all.push_back(std::move(each));
  }
  return all;
}

Result<void> CredentialStore::put_federation(db::Tx& tx, const std::string& object_id,
                                             const KeptFederation& federation) {
  auto done = tx.exec(
      "INSERT INTO directory_federation (id, object_id, name, issuer, subject, audiences, "
      "description) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
      "issuer = excluded.issuer, subject = excluded.subject, audiences = excluded.audiences, "
      "description = excluded.description",
      {federation.id, object_id, federation.name, federation.issuer, federation.subject,
       Json::strings(federation.audiences).dump(), federation.description});
  if (done.ok()) return {};
  if (done.error().code == Code::kConflict)
    return conflict(
        "FederatedIdentityCredential with the same name, or the same issuer and subject, already "
        "exists.",
        "Request_MultipleObjectsWithSameKeyValue");
  return done.error();
}

Result<void> CredentialStore::remove_federation(db::Tx& tx, const std::string& id) {
  TRY(tx.exec("DELETE FROM directory_federation WHERE id = ?", {id}));
  return {};
}

Result<std::vector<FederatedCredential>> CredentialStore::federations(db::Executor& db,
                                                                      const std::string& app_id) {
  std::vector<FederatedCredential> all;
  for (const db::Row& row :
       TRY(db.query("SELECT f.id, f.name, f.issuer, f.subject, f.audiences FROM "
                    "directory_federation f JOIN directory_object o ON o.object_id = f.object_id "
                    "WHERE o.kind IN ('application', 'servicePrincipal') AND o.app_id = ? "
                    "ORDER BY f.name",
                    {to_lower(app_id)}))) {
    FederatedCredential each{row.text(0), row.text(1), row.text(2), row.text(3), {}};
    each.audiences = audiences_from(TRY(Json::parse(row.text(4))));
    all.push_back(std::move(each));
  }
  return all;
}

Result<void> CredentialStore::put_password(db::Tx& tx, const std::string& object_id,
                                           const std::string& hash, bool must_change) {
  TRY(
      tx.exec("INSERT INTO directory_password (object_id, hash, must_change, changed_us, failures, "
              "locked_until_us) VALUES (?, ?, ?, ?, 0, 0) ON CONFLICT (object_id) DO UPDATE SET "
              "hash = excluded.hash, must_change = excluded.must_change, "
              "changed_us = excluded.changed_us, failures = 0, locked_until_us = 0",
              {object_id, hash, must_change, to_micros(now())}));
  return {};
}

Result<std::optional<Password>> CredentialStore::password_of(db::Executor& db,
                                                             const std::string& object_id) {
  auto row = TRY(
      db.query_one("SELECT hash, must_change, failures, locked_until_us FROM directory_password "
                   "WHERE object_id = ?",
                   {object_id}));
  if (!row) return std::optional<Password>();
  return std::optional<Password>(
      Password{row->text(0), row->boolean(1), row->integer(2), from_micros(row->integer(3))});
}

Result<void> CredentialStore::set_failures(db::Tx& tx, const std::string& object_id,
                                           int64_t failures, Timestamp locked_until) {
  TRY(tx.exec("UPDATE directory_password SET failures = ?, locked_until_us = ? WHERE object_id = ?",
              {failures, to_micros(locked_until), object_id}));
  return {};
}

Result<std::optional<SetupCode>> CredentialStore::setup_code(db::Executor& db) {
  auto row = TRY(db.query_one("SELECT hash, expires_us FROM directory_setup WHERE id = 1"));
  if (!row) return std::optional<SetupCode>();
  return std::optional<SetupCode>(SetupCode{row->text(0), from_micros(row->integer(1))});
}

Result<void> CredentialStore::put_setup_code(db::Tx& tx, const SetupCode& code) {
  TRY(tx.exec(
      "INSERT INTO directory_setup (id, hash, expires_us) VALUES (1, ?, ?) ON CONFLICT (id) "
      "DO UPDATE SET hash = excluded.hash, expires_us = excluded.expires_us",
      {code.hash, to_micros(code.expires)}));
  return {};
}

Result<void> CredentialStore::add_provider(db::Tx& tx, const IdentityProvider& provider,
                                           const std::string& sealed_secret) {
  TRY(
      tx.exec("INSERT INTO directory_provider (id, name, issuer, client_id, sealed_secret, scopes, "
              "match_email) VALUES (?, ?, ?, ?, ?, ?, ?)",
              {provider.id, provider.name, provider.issuer, provider.client_id,
               db::Blob{sealed_secret}, provider.scopes, provider.match_email}));
  return {};
}

Result<bool> CredentialStore::remove_provider(db::Tx& tx, const std::string& id) {
  return TRY(tx.exec("DELETE FROM directory_provider WHERE id = ?", {id})) > 0;
}

Result<std::vector<IdentityProvider>> CredentialStore::providers(db::Executor& db) {
  std::vector<IdentityProvider> all;
  for (const db::Row& row :
       TRY(db.query("SELECT id, name, issuer, client_id, scopes, match_email FROM "
                    "directory_provider ORDER BY name, id")))
    all.push_back(
        {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.boolean(5)});
  return all;
}

Result<std::optional<std::string>> CredentialStore::sealed_provider_secret(db::Executor& db,
                                                                           const std::string& id) {
  auto row = TRY(db.query_one("SELECT sealed_secret FROM directory_provider WHERE id = ?", {id}));
  if (!row) return std::optional<std::string>();
  return std::optional<std::string>(row->blob(0));
}

Result<std::optional<std::string>> CredentialStore::find_external(db::Executor& db,
                                                                  const std::string& issuer,
                                                                  const std::string& subject) {
  auto row =
      TRY(db.query_one("SELECT object_id FROM directory_external WHERE issuer = ? AND subject = ?",
                       {issuer, subject}));
  if (!row) return std::optional<std::string>();
  return std::optional<std::string>(row->text(0));
}

Result<std::vector<LinkedAccount>> CredentialStore::externals_of(db::Executor& db,
                                                                 const std::string& object_id) {
  std::vector<LinkedAccount> all;
  for (const db::Row& row :
       TRY(db.query("SELECT issuer, subject FROM directory_external WHERE object_id = ? "
                    "ORDER BY issuer, subject",
                    {object_id})))
    all.push_back({row.text(0), row.text(1)});
  return all;
}

Result<void> CredentialStore::add_external(db::Tx& tx, const std::string& object_id,
                                           const LinkedAccount& account) {
  TRY(tx.exec("INSERT INTO directory_external (issuer, subject, object_id) VALUES (?, ?, ?)",
              {account.issuer, account.subject, object_id}));
  return {};
}

Result<void> CredentialStore::remove_external(db::Tx& tx, const LinkedAccount& account) {
  TRY(tx.exec("DELETE FROM directory_external WHERE issuer = ? AND subject = ?",
              {account.issuer, account.subject}));
  return {};
}

}  // namespace lazuli::directory
