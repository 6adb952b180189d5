// SPDX-License-Identifier: Apache-2.0
#include "engines/template/hashes.h"

#include <bit>
#include <cstdint>

#include "codec/text.h"
#include "crypto/digest.h"

namespace lazuli::templates {
namespace {

// 11fb06fb-712d-4ddd-98c7-e71bbd588830
constexpr std::string_view kNameSpace =
    "\x11\xfb\x06\xfb\x71\x2d\x4d\xdd\x98\xc7\xe7\x1b\xbd\x58\x88\x30";

constexpr uint32_t kC1 = 0x239b961b, kC2 = 0xab0e9789;

uint32_t byte_at(std::string_view text, size_t index) {
  return index < text.size() ? static_cast<unsigned char>(text[index]) : 0;
}

uint32_t word_at(std::string_view text, size_t index) {
  return byte_at(text, index) | byte_at(text, index + 1) << 8 | byte_at(text, index + 2) << 16 |
         byte_at(text, index + 3) << 24;
}

uint32_t lane1(uint32_t word) { return std::rotl(word * kC1, 15) * kC2; }
uint32_t lane2(uint32_t word) { return std::rotl(word * kC2, 17) * kC1; }

uint32_t finish(uint32_t hash) {
  hash ^= hash >> 16;
  hash *= 0x85ebca6b;
  hash ^= hash >> 13;
  hash *= 0xc2b2ae35;
  return hash ^ hash >> 16;
}

// Blocks of eight bytes in two lanes of 32 bits that feed each other.
uint64_t murmur64(std::string_view text) {
  uint32_t h1 = 0, h2 = 0;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    h1 ^= lane1(word_at(text, at));
    h1 = (std::rotl(h1, 19) + h2) * 5 + 0x561ccd1b;
    h2 ^= lane2(word_at(text, at + 4));
    h2 = (std::rotl(h2, 13) + h1) * 5 + 0x0bcaa747;
  }
  const size_t rest = text.size() - at;
  if (rest > 4) h2 ^= lane2(word_at(text, at + 4));
  if (rest > 0) h1 ^= lane1(word_at(text, at));
  const auto size = static_cast<uint32_t>(text.size());
  h1 ^= size;
  h2 ^= size;
  h1 += h2;
  h2 += h1;
  h1 = finish(h1);
  h2 = finish(h2);
  h1 += h2;
  h2 += h1;
  return static_cast<uint64_t>(h2) << 32 | h1;
}

}  // namespace

std::string name_guid(std::string_view text) {
  std::string bytes = crypto::sha1(std::string(kNameSpace) + std::string(text)).substr(0, 16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x50);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
  std::string hex = to_hex(bytes);
  for (size_t at : {20, 16, 12, 8}) hex.insert(at, "-");
  return hex;
}

std::string unique_string(std::string_view text) {
  constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
  uint64_t hash = murmur64(text);
  std::string out;
  for (int i = 0; i < 13; ++i) {
    out += kDigits[hash >> 59];
    hash <<= 5;
  }
  return out;
}

}  // namespace lazuli::templates
