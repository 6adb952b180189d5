// SPDX-License-Identifier: Apache-2.0
#include "services/identity/key_store.h"

namespace lazuli::identity {

Result<std::vector<SigningKey>> KeyStore::all() {
  return handle_.read([&](db::Reader& reader) -> Result<std::vector<SigningKey>> {
    std::vector<SigningKey> keys;
    for (const db::Row& row :
         TRY(reader.query("SELECT kid, algorithm, sealed_pem, created_us, active_us, expires_us "
                          "FROM identity_signing_key ORDER BY active_us, created_us"))) {
      auto algorithm = crypto::parse_jws_algorithm(row.text(1));
      if (!algorithm) return internal_error("a signing key has an unknown algorithm");
      keys.push_back({row.text(0), *algorithm, row.blob(2), from_micros(row.integer(3)),
                      from_micros(row.integer(4)), from_micros(row.integer(5))});
    }
    return keys;
  });
}

Result<void> KeyStore::add(const SigningKey& key) {
  std::string algorithm(to_string(key.algorithm));
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    auto later = TRY(
        tx.query_one("SELECT kid FROM identity_signing_key WHERE algorithm = ? AND active_us >= ?",
                     {algorithm, to_micros(key.active)}));
    if (later) return {};
    TRY(
        tx.exec("INSERT INTO identity_signing_key (kid, algorithm, sealed_pem, created_us, "
                "active_us, expires_us) VALUES (?, ?, ?, ?, ?, 0)",
                {key.kid, algorithm, db::Blob{key.sealed_pem}, to_micros(key.created),
                 to_micros(key.active)}));
    return {};
  });
}

Result<void> KeyStore::advance(crypto::JwsAlgorithm algorithm, Timestamp active) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(
        tx.exec("UPDATE identity_signing_key SET active_us = ? WHERE algorithm = ? AND "
                "active_us > ?",
                {to_micros(active), to_string(algorithm), to_micros(active)}));
    return {};
  });
}

Result<void> KeyStore::set_expiry(const std::string& kid, Timestamp expires) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(tx.exec("UPDATE identity_signing_key SET expires_us = ? WHERE kid = ? AND expires_us = 0",
                {to_micros(expires), kid}));
    return {};
  });
}

Result<void> KeyStore::remove(const std::string& kid) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    TRY(tx.exec("DELETE FROM identity_signing_key WHERE kid = ?", {kid}));
    return {};
  });
}

}  // namespace lazuli::identity
