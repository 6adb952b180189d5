// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

// Sealing under an AES-256 key that lives in a PKCS#11 token (2.40) and never leaves it: a hardware
// security module, a smart card, SoftHSM. The module is a library of the token's maker, loaded into
// this process and kept loaded.
namespace lazuli::crypto {

struct TokenOptions {
  std::string module;  // the library's path
  std::string token;   // the token's label
  std::string key;     // the key's label
  SecretString pin;
};

// Makes the key (AES-256, sensitive, not extractable) if the token has none of this label. AES-GCM
// with a random nonce, which goes first.
Result<std::string> seal_with_token(const TokenOptions& options, std::string_view aad,
                                    std::span<const std::byte> plain);

// kNotFound without token or key; kPermissionDenied for a wrong PIN; kInternal with wire code
// "DataCorruption" when it does not verify.
Result<SecretBytes> open_with_token(const TokenOptions& options, std::string_view aad,
                                    std::string_view sealed);

}  // namespace lazuli::crypto
