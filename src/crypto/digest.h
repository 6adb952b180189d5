// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace lazuli::crypto {

enum class DigestKind { kSha256, kMd5 };  // MD5 only where a protocol asks for it

// Digests a content that arrives in pieces. Movable; one thread at a time.
class Hasher {
 public:
  explicit Hasher(DigestKind kind);
  void update(std::span<const std::byte> data);
  void update(std::string_view data);
  std::string finish();  // raw bytes; call once

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Raw bytes: 32 for SHA-256, 16 for MD5.
std::string sha256(std::string_view data);
std::string sha256(std::span<const std::byte> data);
std::string md5(std::string_view data);
// 20 raw bytes; for names that a protocol makes of it, never for security.
std::string sha1(std::string_view data);

// 32 raw bytes (RFC 2104). Compare results with equal_constant_time.
std::string hmac_sha256(std::span<const std::byte> key, std::string_view data);

}  // namespace lazuli::crypto
