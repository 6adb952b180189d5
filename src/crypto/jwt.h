// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "codec/json.h"
#include "crypto/keys.h"

namespace lazuli::crypto {

struct Jwt {
  Json header;
  Json claims;
};

// The public key of a key id that we ourselves published, or nothing.
using FindKey = std::function<std::optional<PublicKey>(std::string_view kid)>;

// RFC 7515 compact form, RS256; `key` must be RSA.
std::string make_jwt(const PrivateKey& key, std::string_view kid, const Json& claims);

// Checks form and signature, nothing else. The algorithm is RS256 whatever the token says: any
// other value is refused, as are tokens with `crit`; jku, jwk, x5u and x5c are not looked at.
// Errors are kUnauthenticated with the wire code "InvalidAuthenticationToken".
Result<Jwt> verify_jwt(std::string_view token, const FindKey& find_key);

// Checks exp (required), nbf and iat against `time`, allowing clocks to differ by `skew`. Expiry
// has the wire code "ExpiredAuthenticationToken".
Result<void> check_jwt_times(const Json& claims, Timestamp time, Duration skew);

}  // namespace lazuli::crypto
