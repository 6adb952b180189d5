// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bytes/bytes.h"
#include "crypto/digest.h"

namespace lazuli::bytes {

// The plain content of an object that is being written: its size, bounded, and the digests asked
// for.
class ContentDigests {
 public:
  explicit ContentDigests(const WriteOptions& options);
  // kPayloadTooLarge when the object would be larger than objects may be.
  Result<void> add(std::span<const std::byte> data);
  uint64_t size() const { return size_; }
  ObjectInfo finish(ObjectId id);

 private:
  std::optional<crypto::Hasher> sha256_, md5_;
  uint64_t size_ = 0;
};

}  // namespace lazuli::bytes
