// SPDX-License-Identifier: Apache-2.0
#include "services/identity/session_store.h"

#include "base/strings.h"

namespace lazuli::identity {
namespace {

std::vector<std::string> methods_from(const std::string& text) {
  std::vector<std::string> methods;
  for (std::string_view each : split(text, ' '))
    if (!each.empty()) methods.emplace_back(each);
  return methods;
}

Proof proof_from(const db::Row& row, size_t column) {
  return {row.text(column), from_micros(row.integer(column + 1)),
          methods_from(row.text(column + 2))};
}

Result<std::optional<DeviceCode>> find_device(db::Executor& db, std::string_view column,
                                              const std::string& value) {
  auto row = TRY(db.query_one(
      cat({"SELECT hash, user_code, app_id, scopes, state, expires_us, polled_us, interval_s, "
           "object_id, proof_us, methods FROM identity_device WHERE ",
           column, " = ?"}),
      {value}));
  if (!row) return std::optional<DeviceCode>();
  DeviceCode code{row->text(0), row->text(1), row->text(2), row->text(3), row->text(4), {}, {}, {}};
  code.expires = from_micros(row->integer(5));
  code.polled = from_micros(row->integer(6));
  code.interval_s = row->integer(7);
  code.proof = proof_from(*row, 8);
  return std::optional<DeviceCode>(std::move(code));
}

}  // namespace

Result<void> SessionStore::add_code(db::Tx& tx, const AuthorizationCode& code) {
  TRY(tx.exec(
      "INSERT INTO identity_code (hash, app_id, redirect_uri, challenge, scopes, nonce, object_id, "
      "proof_us, methods, expires_us, session) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
      {code.hash, code.app_id, code.redirect_uri, code.challenge, code.scopes, code.nonce,
       code.proof.object_id, to_micros(code.proof.time), join(code.proof.methods, " "),
       to_micros(code.expires)}));
  return {};
}

Result<std::optional<AuthorizationCode>> SessionStore::code(db::Executor& db,
                                                            const std::string& hash) {
  auto row = TRY(db.query_one(
      "SELECT hash, app_id, redirect_uri, challenge, scopes, nonce, expires_us, session, "
      "object_id, proof_us, methods FROM identity_code WHERE hash = ?",
      {hash}));
  if (!row) return std::optional<AuthorizationCode>();
  return std::optional(AuthorizationCode{row->text(0), row->text(1), row->text(2), row->text(3),
                                         row->text(4), row->text(5), proof_from(*row, 8),
                                         from_micros(row->integer(6)), row->text(7)});
}

Result<void> SessionStore::use_code(db::Tx& tx, const std::string& hash,
                                    const std::string& session) {
  TRY(tx.exec("UPDATE identity_code SET session = ? WHERE hash = ?", {session, hash}));
  return {};
}

Result<bool> SessionStore::add_device(db::Tx& tx, const DeviceCode& code) {
  int64_t added = TRY(
      tx.exec("INSERT INTO identity_device (hash, user_code, app_id, scopes, state, expires_us, "
              "polled_us, interval_s, object_id, proof_us, methods) "
              "VALUES (?, ?, ?, ?, 'pending', ?, 0, ?, '', 0, '') ON CONFLICT DO NOTHING",
              {code.hash, code.user_code, code.app_id, code.scopes, to_micros(code.expires),
               code.interval_s}));
  return added == 1;
}

Result<std::optional<DeviceCode>> SessionStore::device(db::Executor& db, const std::string& hash) {
  return find_device(db, "hash", hash);
}

Result<std::optional<DeviceCode>> SessionStore::device_by_user_code(db::Executor& db,
                                                                    const std::string& user_code) {
  return find_device(db, "user_code", user_code);
}

Result<void> SessionStore::set_device_state(db::Tx& tx, const std::string& hash,
                                            const std::string& state, const Proof& proof) {
  TRY(
      tx.exec("UPDATE identity_device SET state = ?, object_id = ?, proof_us = ?, methods = ? "
              "WHERE hash = ?",
              {state, proof.object_id, to_micros(proof.time), join(proof.methods, " "), hash}));
  return {};
}

Result<void> SessionStore::set_device_polled(db::Tx& tx, const std::string& hash, Timestamp time,
                                             int64_t interval_s) {
  TRY(tx.exec("UPDATE identity_device SET polled_us = ?, interval_s = ? WHERE hash = ?",
              {to_micros(time), interval_s, hash}));
  return {};
}

Result<void> SessionStore::add_session(db::Tx& tx, const Session& session) {
  TRY(
      tx.exec("INSERT INTO identity_session (id, app_id, scopes, counter, rotated_us, expires_us, "
              "ended, object_id, proof_us, methods) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
              {session.id, session.app_id, session.scopes, session.counter,
               to_micros(session.rotated), to_micros(session.expires), session.proof.object_id,
               to_micros(session.proof.time), join(session.proof.methods, " ")}));
  return {};
}

Result<std::optional<Session>> SessionStore::session(db::Executor& db, const std::string& id) {
  auto row = TRY(db.query_one(
      "SELECT id, app_id, scopes, counter, rotated_us, expires_us, ended, object_id, proof_us, "
      "methods FROM identity_session WHERE id = ?",
      {id}));
  if (!row) return std::optional<Session>();
  return std::optional(Session{row->text(0), row->text(1), row->text(2), proof_from(*row, 7),
                               row->integer(3), from_micros(row->integer(4)),
                               from_micros(row->integer(5)), row->boolean(6)});
}

Result<void> SessionStore::rotate_session(db::Tx& tx, const std::string& id, int64_t counter,
                                          Timestamp time, Timestamp expires) {
  TRY(tx.exec(
      "UPDATE identity_session SET counter = ?, rotated_us = ?, expires_us = ? WHERE id = ?",
      {counter, to_micros(time), to_micros(expires), id}));
  return {};
}

Result<void> SessionStore::end_session(db::Tx& tx, const std::string& id) {
  TRY(tx.exec("UPDATE identity_session SET ended = 1 WHERE id = ?", {id}));
  return {};
}

Result<void> SessionStore::add_browser(db::Tx& tx, const Browser& browser) {
  TRY(
      tx.exec("INSERT INTO identity_browser (hash, object_id, proof_us, methods, expires_us) "
              "VALUES (?, ?, ?, ?, ?)",
              {browser.hash, browser.proof.object_id, to_micros(browser.proof.time),
               join(browser.proof.methods, " "), to_micros(browser.expires)}));
  return {};
}

Result<std::optional<Browser>> SessionStore::browser(db::Executor& db, const std::string& hash) {
  auto row = TRY(db.query_one(
      "SELECT hash, expires_us, object_id, proof_us, methods FROM identity_browser WHERE hash = ?",
      {hash}));
  if (!row) return std::optional<Browser>();
  return std::optional(Browser{row->text(0), proof_from(*row, 2), from_micros(row->integer(1))});
}

Result<void> SessionStore::remove_browser(db::Tx& tx, const std::string& hash) {
  TRY(tx.exec("DELETE FROM identity_browser WHERE hash = ?", {hash}));
  return {};
}

Result<bool> SessionStore::use_assertion(db::Tx& tx, const std::string& app_id,
                                         const std::string& id, Timestamp expires) {
  int64_t added =
      TRY(tx.exec("INSERT INTO identity_assertion (app_id, jti, expires_us) "
                  "VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                  {app_id, id, to_micros(expires)}));
  return added == 1;
}

Result<void> SessionStore::drop_expired(db::Tx& tx, Timestamp time) {
  for (std::string_view table : {"identity_code", "identity_device", "identity_session",
                                 "identity_browser", "identity_assertion"})
    TRY(tx.exec(cat({"DELETE FROM ", table, " WHERE expires_us < ?"}), {to_micros(time)}));
  return {};
}

}  // namespace lazuli::identity
