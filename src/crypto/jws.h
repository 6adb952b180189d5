// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/keys.h"

// Signatures as JSON Web Algorithms (RFC 7518 §3) write them. There is no "none" and no HMAC here.
namespace lazuli::crypto {

enum class JwsAlgorithm {
  kRs256,  // RSASSA-PKCS1-v1_5 with SHA-256
  kPs256,  // RSASSA-PSS with SHA-256, MGF1 and a salt of 32 bytes
  kEs256,  // ECDSA on P-256 with SHA-256; the signature is r and s, 32 bytes each
};

std::string_view to_string(JwsAlgorithm algorithm);
std::optional<JwsAlgorithm> parse_jws_algorithm(std::string_view name);

// Whether a key is of the kind that the algorithm needs (RSA of 2048 bits or more; EC on P-256).
bool key_fits(const PublicKey& key, JwsAlgorithm algorithm);

// Raw signature bytes; the key must fit.
std::string jws_sign(const PrivateKey& key, JwsAlgorithm algorithm, std::string_view data);
// False as well when the key does not fit.
bool jws_verify(const PublicKey& key, JwsAlgorithm algorithm, std::string_view data,
                std::string_view signature);

}  // namespace lazuli::crypto
