// SPDX-License-Identifier: Apache-2.0
// Tokens before a key that signed none of them: none may be taken.
#include "base/testing.h"
#include "crypto/jwt.h"

namespace lazuli::crypto {
namespace {

constexpr std::string_view kPublished = "published";

const PublicKey& published_key() {
  static const PublicKey key = PrivateKey::generate(KeyKind::kRsa2048).public_key();
  return key;
}

}  // namespace

FUZZ_TARGET(crypto_jwt) {
  const auto taken = verify_jwt(data, [](const Json& header) {
    std::optional<VerificationKey> key;
    if (header["kid"].str() == kPublished)
      key = VerificationKey{published_key(), {JwsAlgorithm::kRs256, JwsAlgorithm::kPs256}};
    return key;
  });
  CHECK(!taken.ok());
  CHECK(taken.error().code == Code::kUnauthenticated);
  const auto claims = Json::parse(data);
  if (!claims.ok()) return;
  const auto times = check_jwt_times(*claims, Timestamp(), std::chrono::seconds(300));
  if (times.ok()) CHECK((*claims)["exp"].is_number());
}

}  // namespace lazuli::crypto
