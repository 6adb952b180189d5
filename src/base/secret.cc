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

std::byte* map_pages(size_t size) {
  void* memory = ::mmap(nullptr, mapped_size(size), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  (void)::mlock(memory, mapped_size(size));  // refused over the limit: still kept out of dumps
  (void)::madvise(memory, mapped_size(size), MADV_DONTDUMP);
  return static_cast<std::byte*>(memory);
}

// Keys are many and short-lived: they share pages, in slots that are wiped when they are given
// back. A page is kept for good, so there are as many as were ever needed at once.
constexpr size_t kSlot = 64;

class SlotPages {
 public:
  std::byte* take() {
    std::lock_guard lock(mutex_);
    if (free_.empty()) {
      std::byte* page = map_pages(kPage);
      for (size_t at = 0; at < kPage; at += kSlot) free_.push_back(page + at);
    }
    std::byte* slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void give_back(std::byte* slot) {
    std::lock_guard lock(mutex_);
    free_.push_back(slot);
  }

 private:
  std::mutex mutex_;
  std::vector<std::byte*> free_;
};

// Never destroyed: secrets may live as long as the process.
SlotPages& slots() {
  static SlotPages& pages = *new SlotPages;
  return pages;
}

std::byte* allocate(size_t size) {
  if (size == 0) return nullptr;
  return size <= kSlot ? slots().take() : map_pages(size);
}

void release(std::byte* data, size_t size) {
  wipe(data, size);
  if (size <= kSlot)
    slots().give_back(data);
  else
    ::munmap(data, mapped_size(size));
}

}  // namespace

SecretBytes::SecretBytes(size_t size) : data_(allocate(size)), size_(size) {}

SecretBytes::SecretBytes(std::span<const std::byte> copy) : SecretBytes(copy.size()) {
  if (!copy.empty()) ::memcpy(data_, copy.data(), copy.size());
}

SecretBytes::~SecretBytes() {
  if (data_ != nullptr) release(data_, size_);
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
