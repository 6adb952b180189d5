// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lazuli::bytes {

// An object's id as 16 bytes: what its 32 hex digits say.
using RawId = std::array<char, 16>;
std::optional<RawId> parse_raw_id(std::string_view id);
std::string to_text(const RawId& id);
inline std::string_view view(const RawId& id) { return {id.data(), id.size()}; }

// Where a packed object's record begins. A quarantined object is known, and refused.
struct Location {
  uint32_t segment = 0;  // from 1 on
  uint32_t offset = 0;
  uint32_t length = 0;  // of the image
  bool quarantined = false;
  friend bool operator==(const Location&, const Location&) = default;
};

// Which packed objects exist, in memory: a hash table with linear probing, in parts that grow by
// themselves. Ids are random, so they are their own hash. Thread-safe.
class ObjectIndex {
 public:
  std::optional<Location> find(const RawId& id) const;
  // What was there before, if anything was.
  std::optional<Location> insert(const RawId& id, const Location& location);
  // False, and nothing done, unless the object is at `from`.
  bool replace(const RawId& id, const Location& from, const Location& to);
  std::optional<Location> erase(const RawId& id);
  size_t size() const;
  // Visits a snapshot of each part in turn; calls of this index are allowed meanwhile.
  Result<void> for_each(
      const std::function<Result<void>(const RawId&, const Location&)>& visit) const;

 private:
  struct Entry {
    RawId id{};
    uint32_t segment = 0;  // 0: a free slot
    uint32_t offset = 0;   // the highest bit: quarantined
    uint32_t length = 0;
  };
  struct Part {
    mutable std::mutex mutex;
    std::vector<Entry> slots;
    size_t count = 0;

    size_t home(const RawId& id) const;
    size_t next(size_t slot) const { return slot + 1 == slots.size() ? 0 : slot + 1; }
    // The slot that holds the id, or the free one where it belongs. There must be slots.
    size_t slot_of(const RawId& id) const;
    void grow(size_t capacity);
    void free_slot(size_t slot);
  };
  static constexpr size_t kParts = 64;

  static Entry pack(const RawId& id, const Location& location);
  static Location unpack(const Entry& entry);
  Part& part_of(const RawId& id) { return parts_[static_cast<unsigned char>(id[15]) % kParts]; }
  const Part& part_of(const RawId& id) const {
    return parts_[static_cast<unsigned char>(id[15]) % kParts];
  }

  std::array<Part, kParts> parts_;
};

}  // namespace lazuli::bytes
