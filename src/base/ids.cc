// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"

namespace lazuli {
namespace {

template <size_t N>
std::array<uint8_t, N> random_array() {
  std::array<uint8_t, N> bytes;
  CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(N));
  return bytes;
}

// A call of the kernel for each id would cost more than all else about it. What was handed out does
// not stay in the store.
std::array<uint8_t, 16> random_for_id() {
  constexpr size_t kIds = 64;
  thread_local std::array<uint8_t, 16 * kIds> store;
  thread_local size_t used = kIds;
  if (used == kIds) {
    store = random_array<16 * kIds>();
    used = 0;
  }
  std::array<uint8_t, 16> bytes;
  std::copy_n(store.begin() + 16 * used, 16, bytes.begin());
  std::fill_n(store.begin() + 16 * used, 16, uint8_t{0});
  ++used;
  return bytes;
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

std::string new_uuid() {
  auto bytes = random_for_id();
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string random_name(size_t size) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string name;
  while (name.size() < size) {
    for (uint8_t byte : random_array<32>()) {
      size_t limit = name.empty() ? 26 : 36;
      if (name.size() < size && byte < 256 / limit * limit) name += kLetters[byte % limit];
    }
  }
  return name;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

}  // namespace lazuli
