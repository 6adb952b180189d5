// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Numbers as the formats on disk hold them.
namespace lazuli::bytes {

template <typename T>
T load_little(std::string_view text, size_t offset) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(text[offset + i])) << 8 * i);
  return value;
}

template <typename T>
void append_little(std::string& text, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) text += static_cast<char>(value >> 8 * i & 255);
}

}  // namespace lazuli::bytes
