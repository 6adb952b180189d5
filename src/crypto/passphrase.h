// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace lazuli::crypto {

inline constexpr size_t kPassphraseSaltSize = 16;

// What one guess costs. The defaults (RFC 9106's second recommendation, with four times its
// memory) take half a second.
struct PassphraseCost {
  uint64_t passes = 3;
  uint64_t memory_bytes = 256u << 20;
};

// 32 bytes by Argon2id (RFC 9106) through libsodium. kInvalidArgument for costs or a salt that
// Argon2id does not allow, or that would take minutes; kUnavailable without the memory.
Result<SecretBytes> key_of_passphrase(const SecretString& passphrase, std::string_view salt,
                                      const PassphraseCost& cost);

}  // namespace lazuli::crypto
