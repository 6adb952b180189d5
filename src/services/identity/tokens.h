// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/auth.h"
#include "core/service.h"
#include "core/vault.h"
#include "crypto/keys.h"
#include "services/directory/api.h"
#include "services/identity/api.h"
#include "services/identity/store.h"

namespace lazuli::identity {

// Makes and verifies access tokens (RS256 JWTs in Azure's v1 shape). Keys live sealed in the store;
// several may verify, the newest signs. Thread-safe.
class Tokens final : public core::Authenticator {
 public:
  // Loads the signing keys; makes the first.
  static Result<std::unique_ptr<Tokens>> create(const core::Installation& installation,
                                                Store& store, core::Vault& vault,
                                                directory::Directory& directory);

  SecretString issue(const ServicePrincipal& principal, const TokenRequest& request);
  Json public_keys() const;  // the JWKS document
  // Constant: names no port, so a token survives the server's move to another.
  const std::string& issuer() const { return issuer_; }

  // Authenticator: "Authorization: Bearer …".
  bool present(const http::RequestHead& head) const override;
  Result<core::Verified> verify(const http::RequestHead& head, std::string_view audience) override;
  Result<core::Verified> verify_token(std::string_view token, std::string_view audience);

 private:
  struct Key {
    std::string kid;
    crypto::PrivateKey key;
  };
  struct Known {
    core::Verified verified;
    std::string audience, job_id;
    Timestamp issued{};
  };

  Tokens(const core::Installation& installation, Store& store, directory::Directory& directory);
  Result<void> load_keys(core::Vault& vault);
  Result<Known> check(std::string_view token) const;
  Result<Known> check_cached(std::string_view token);

  const core::Installation& installation_;
  Store& store_;
  directory::Directory& directory_;
  std::string issuer_;
  std::vector<Key> keys_;  // oldest first; fixed after create()
  std::mutex mutex_;
  std::unordered_map<std::string, Known> cache_;  // by the token's hash; signatures checked once
};

}  // namespace lazuli::identity
