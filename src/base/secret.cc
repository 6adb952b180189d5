// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>

#include <cstdlib>
#include <utility>

namespace lazuli {
namespace {

// Pages of their own, so that locking and MADV_DONTDUMP cover nothing else's data.
constexpr size_t kPage = 4096;
size_t mapped_size(size_t size) { return (size + kPage - 1) / kPage * kPage; }

std::byte* allocate(size_t size) {
  if (size == 0) return nullptr;
  void* memory = ::mmap(nullptr, mapped_size(size), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  (void)::mlock(memory, mapped_size(size));  // refused over the limit: still kept out of dumps
  (void)::madvise(memory, mapped_size(size), MADV_DONTDUMP);
  return static_cast<std::byte*>(memory);
}

}  // namespace

SecretBytes::SecretBytes(size_t size) : data_(allocate(size)), size_(size) {}

SecretBytes::SecretBytes(std::span<const std::byte> copy) : SecretBytes(copy.size()) {
  if (!copy.empty()) ::memcpy(data_, copy.data(), copy.size());
}

SecretBytes::~SecretBytes() {
  if (data_ == nullptr) return;
  wipe(data_, size_);
  ::munmap(data_, mapped_size(size_));
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

SecretBytes SecretBytes::clone() const { return SecretBytes(expose()); }

SecretString::SecretString(std::string_view text)
    : bytes_(std::as_bytes(std::span(text.data(), text.size()))) {}

std::string_view SecretString::expose() const {
  auto bytes = bytes_.expose();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void wipe(void* data, size_t size) {
  if (size > 0) ::explicit_bzero(data, size);
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

}  // namespace lazuli
