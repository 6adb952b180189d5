// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/json.h"
#include "crypto/jws.h"

namespace lazuli::crypto {

struct Jwt {
  Json header;
  Json claims;
};

// A key and what it may verify: the key decides on the algorithm, never the token.
struct VerificationKey {
  PublicKey key;
  std::vector<JwsAlgorithm> algorithms;
};

// The key that a token's header names (by `kid`, `x5t`, …) among those that the caller trusts.
using FindKey = std::function<std::optional<VerificationKey>(const Json& header)>;

// RFC 7515 compact form; the key must fit the algorithm.
std::string make_jwt(const PrivateKey& key, JwsAlgorithm algorithm, std::string_view kid,
                     const Json& claims);

// Checks form and signature, nothing else. An algorithm the key is not for is refused, as are
// tokens with `crit`; jku, jwk, x5u and x5c are not looked at. Errors are kUnauthenticated with the
// wire code "InvalidAuthenticationToken".
Result<Jwt> verify_jwt(std::string_view token, const FindKey& find_key);

// The same without any check of the signature: only to learn which keys to ask for.
Result<Jwt> peek_jwt(std::string_view token);

// Checks exp (required), nbf and iat against `time`, allowing clocks to differ by `skew`. Expiry
// has the wire code "ExpiredAuthenticationToken".
Result<void> check_jwt_times(const Json& claims, Timestamp time, Duration skew);

}  // namespace lazuli::crypto
