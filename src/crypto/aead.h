// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

struct evp_cipher_ctx_st;

// AES-256-GCM (NIST SP 800-38D). A nonce must never be used twice with one key: the caller either
// counts (a key of its own per object) or draws it at random (at most 2^32 times per key).
namespace lazuli::crypto {

inline constexpr size_t kAeadKeySize = 32;
inline constexpr size_t kAeadNonceSize = 12;
inline constexpr size_t kAeadTagSize = 16;

struct CipherContextFree {
  void operator()(evp_cipher_ctx_st* context) const;
};
using CipherContext = std::unique_ptr<evp_cipher_ctx_st, CipherContextFree>;

// Seals many pieces under one key, whose schedule is computed once. One thread at a time.
class Sealer {
 public:
  explicit Sealer(const SecretBytes& key);
  // Fills `out`, plain.size() + kAeadTagSize bytes, with ciphertext and tag. May not overlap
  // `plain` unless both begin at the same byte.
  void seal(std::string_view nonce, std::string_view aad, std::span<const std::byte> plain,
            std::span<std::byte> out);

 private:
  CipherContext context_;
};

// Opens what a Sealer with the same key sealed. One thread at a time.
class Opener {
 public:
  explicit Opener(const SecretBytes& key);
  // Fills `out`, sealed.size() - kAeadTagSize bytes. False, with `out` wiped, unless every byte of
  // ciphertext, tag, nonce and aad is as it was.
  [[nodiscard]] bool open(std::string_view nonce, std::string_view aad,
                          std::span<const std::byte> sealed, std::span<std::byte> out);

 private:
  CipherContext context_;
};

// One small secret under a random nonce, which goes first: nonce, ciphertext, tag.
std::string seal_secret(const SecretBytes& key, std::string_view aad,
                        std::span<const std::byte> plain);
// kInternal with wire code "DataCorruption" when it does not verify.
Result<SecretBytes> open_secret(const SecretBytes& key, std::string_view aad,
                                std::string_view sealed);

}  // namespace lazuli::crypto
