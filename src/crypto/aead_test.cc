// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <gtest/gtest.h>

#include "codec/text.h"
#include "crypto/kdf.h"
#include "crypto/random.h"

namespace lazuli::crypto {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string hex(const SecretBytes& secret) { return to_hex(secret.expose()); }

TEST(CryptoAead, KnowsAPublishedVector) {
  // The Galois/Counter Mode of Operation (McGrew, Viega), test case 16.
  SecretBytes key(
      bytes(*from_hex("feffe9928665731c6d6a8f9467308308"
                      "feffe9928665731c6d6a8f9467308308")));
  std::string nonce = *from_hex("cafebabefacedbaddecaf888");
  std::string aad = *from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  std::string plain = *from_hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  std::string out(plain.size() + kAeadTagSize, '\0');
  Sealer(key).seal(nonce, aad, bytes(plain), std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(to_hex(out),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b");
  std::string again(plain.size(), '\0');
  EXPECT_TRUE(Opener(key).open(nonce, aad, bytes(out), std::as_writable_bytes(std::span(again))));
  EXPECT_EQ(again, plain);
}

TEST(CryptoAead, RefusesEveryChangedByteAndStaysUsable) {
  SecretBytes key = random_secret(kAeadKeySize);
  Sealer sealer(key);
  Opener opener(key);
  std::string nonce(12, 'n'), plain = "some text", sealed(plain.size() + kAeadTagSize, '\0');
  std::string out(plain.size(), '\0');
  auto out_bytes = std::as_writable_bytes(std::span(out));
  sealer.seal(nonce, "aad", bytes(plain), std::as_writable_bytes(std::span(sealed)));
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    EXPECT_FALSE(opener.open(nonce, "aad", bytes(changed), out_bytes));
    EXPECT_EQ(out, std::string(plain.size(), '\0'));
  }
  EXPECT_FALSE(opener.open(nonce, "aae", bytes(sealed), out_bytes));
  EXPECT_FALSE(opener.open(std::string(12, 'm'), "aad", bytes(sealed), out_bytes));
  EXPECT_TRUE(opener.open(nonce, "aad", bytes(sealed), out_bytes));
  EXPECT_EQ(out, plain);
}

TEST(CryptoAead, SealsSecretsUnderFreshNonces) {
  SecretBytes key = random_secret(kAeadKeySize);
  std::string one = seal_secret(key, "place", bytes("secret"));
  std::string two = seal_secret(key, "place", bytes("secret"));
  EXPECT_NE(one, two);
  EXPECT_EQ(hex(*open_secret(key, "place", one)), to_hex("secret"));
  EXPECT_TRUE(open_secret(key, "", seal_secret(key, "", {}))->empty());
  EXPECT_EQ(open_secret(key, "other", one).error().wire_code, "DataCorruption");
  for (size_t size = 0; size < one.size(); ++size)
    EXPECT_FALSE(open_secret(key, "place", one.substr(0, size)).ok());
}

TEST(CryptoKdf, KnowsTheVectorsOfRfc5869) {
  SecretBytes key(bytes(std::string(22, '\x0b')));
  EXPECT_EQ(hex(hkdf_sha256(key, *from_hex("000102030405060708090a0b0c"),
                            *from_hex("f0f1f2f3f4f5f6f7f8f9"), 42)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
            "34007208d5b887185865");
  EXPECT_EQ(hex(hkdf_sha256(key, "", "", 42)),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
            "9d201395faa4b61a96c8");
}

TEST(CryptoRandom, DrawsDifferentValues) {
  EXPECT_EQ(random_bytes(16).size(), 16u);
  EXPECT_NE(random_bytes(16), random_bytes(16));
  SecretString password = random_password(40);
  EXPECT_EQ(password.expose().size(), 40u);
  for (char c : password.expose()) EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)));
  EXPECT_NE(password.expose(), random_password(40).expose());
}

}  // namespace
}  // namespace lazuli::crypto
