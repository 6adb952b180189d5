// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace lazuli {

// Bytes that must not leak: move-only, locked out of swap and core dumps where the system allows,
// wiped on destruction, without an output operator and without conversion to std::string.
// Not safe for concurrent mutation.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(size_t size);                      // zeroed
  explicit SecretBytes(std::span<const std::byte> copy);  // the source is the caller's to wipe
  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  SecretBytes clone() const;
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  std::span<const std::byte> expose() const { return {data_, size_}; }
  std::span<std::byte> expose_mutable() { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// The same for text. `expose()` marks every place where the secret is really used.
class SecretString {
 public:
  SecretString() = default;
  explicit SecretString(std::string_view text);
  SecretString(SecretString&&) noexcept = default;
  SecretString& operator=(SecretString&&) noexcept = default;

  SecretString clone() const { return SecretString(expose()); }
  bool empty() const { return bytes_.empty(); }
  std::string_view expose() const;

 private:
  SecretBytes bytes_;
};

// Overwrites memory in a way the compiler may not remove.
void wipe(void* data, size_t size);

// Compares in time that depends on the sizes only.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace lazuli
