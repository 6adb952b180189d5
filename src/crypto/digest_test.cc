// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include <gtest/gtest.h>

#include "codec/text.h"

namespace lazuli::crypto {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(CryptoDigest, KnowsPublishedVectors) {
  EXPECT_EQ(to_hex(sha256(std::string_view("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(std::string_view())),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(md5("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
  // RFC 4231, test case 2.
  EXPECT_EQ(to_hex(hmac_sha256(bytes("Jefe"), "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(CryptoDigest, DoesNotDependOnThePieces) {
  std::string data(100'000, 'x');
  Hasher hasher(DigestKind::kSha256);
  for (size_t at = 0; at < data.size(); at += 777)
    hasher.update(std::string_view(data).substr(at, 777));
  EXPECT_EQ(hasher.finish(), sha256(std::string_view(data)));
}

}  // namespace
}  // namespace lazuli::crypto
