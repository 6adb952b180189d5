// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bytes/object_format.h"

namespace lazuli::bytes {

// Makes an object's image, header first, as its content arrives. One thread at a time.
class ObjectSealer {
 public:
  ObjectSealer(const WrappingKey& wrapping, std::string_view id);

  // Content of any size. A full chunk is kept back until more data show that it is not the last.
  void add(std::span<const std::byte> data);
  void finish();
  // What has been sealed and not been cleared yet; at most a chunk more than was added.
  std::span<const std::byte> sealed() const { return image_; }
  void clear() { image_.clear(); }  // keeps the memory for what comes
  std::vector<std::byte> take() { return std::exchange(image_, {}); }

 private:
  void seal(std::span<const std::byte> plain, bool last);

  ObjectKey key_;
  crypto::Sealer sealer_;
  const std::string aad_;
  std::vector<std::byte> chunk_;  // plain content of the chunk that grows
  std::vector<std::byte> image_;
  uint64_t chunks_ = 0;
};

}  // namespace lazuli::bytes
