// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "crypto/jws.h"
#include "db/db.h"

namespace lazuli::identity {

struct SigningKey {
  std::string kid;
  crypto::JwsAlgorithm algorithm = crypto::JwsAlgorithm::kRs256;
  std::string sealed_pem;  // by core::Vault, context "identity.signing_key/{kid}"
  Timestamp created{};
  Timestamp active{};   // signs from then on, unless a later key is active too
  Timestamp expires{};  // the last token it signed has ended; zero while it may still sign
};

// SQL of the signing keys.
class KeyStore {
 public:
  explicit KeyStore(db::Database::Handle handle) : handle_(std::move(handle)) {}

  Result<std::vector<SigningKey>> all();  // oldest first
  // Stores the key unless one of its algorithm with the same or a later `active` is there already
  // (another node was quicker).
  Result<void> add(const SigningKey& key);
  // Keys that wait for their time sign from `active` on.
  Result<void> advance(crypto::JwsAlgorithm algorithm, Timestamp active);
  Result<void> set_expiry(const std::string& kid, Timestamp expires);
  Result<void> remove(const std::string& kid);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::identity
