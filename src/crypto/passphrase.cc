// SPDX-License-Identifier: Apache-2.0
#include "crypto/passphrase.h"

#include <sodium.h>

#include "base/check.h"
#include "crypto/openssl.h"

namespace lazuli::crypto {
namespace {

constexpr size_t kKeySize = 32;
constexpr uint64_t kPassesMax = 64;
constexpr uint64_t kMemoryMax = uint64_t{4} << 30;

}  // namespace

Result<SecretBytes> key_of_passphrase(const SecretString& passphrase, std::string_view salt,
                                      const PassphraseCost& cost) {
  static_assert(kPassphraseSaltSize == crypto_pwhash_argon2id_SALTBYTES);
  CHECK(sodium_init() >= 0);
  const bool allowed =
      salt.size() == kPassphraseSaltSize && cost.passes >= 1 && cost.passes <= kPassesMax &&
      cost.memory_bytes >= crypto_pwhash_argon2id_MEMLIMIT_MIN && cost.memory_bytes <= kMemoryMax;
  if (!allowed) return invalid_argument("a passphrase cannot be stretched with these parameters");
  SecretBytes key(kKeySize);
  const std::string_view text = passphrase.expose();
  const int failed = crypto_pwhash_argon2id(
      reinterpret_cast<unsigned char*>(key.expose_mutable().data()), kKeySize, text.data(),
      text.size(), bytes_of(salt), cost.passes, static_cast<size_t>(cost.memory_bytes),
      crypto_pwhash_argon2id_ALG_ARGON2ID13);
  if (failed != 0) return unavailable("not enough memory to stretch a passphrase");
  return key;
}

}  // namespace lazuli::crypto
