// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "crypto/jws.h"

// JSON Web Keys (RFC 7517): public RSA keys, and EC keys on P-256. Private members, certificates
// and references to other places (`x5u`) in a key are not looked at.
namespace lazuli::crypto {

struct Jwk {
  std::string kid;
  PublicKey key;
  std::vector<JwsAlgorithm> algorithms;  // what the key may be used with; never empty
};

// {kty, use, alg, kid, …}: what is published of a key that signs with `algorithm` alone.
Json to_jwk(const PublicKey& key, std::string_view kid, JwsAlgorithm algorithm);

// kInvalidArgument for other kinds, other curves, RSA below 2048 or above 8192 bits, a `use` other
// than "sig", and an `alg` that the key does not fit. Without `alg`, RSA means RS256 and PS256.
Result<Jwk> parse_jwk(const Json& json);

// The usable keys of {"keys":[…]}; others are left out.
std::vector<Jwk> parse_jwks(const Json& document);

}  // namespace lazuli::crypto
