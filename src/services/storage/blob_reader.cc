// SPDX-License-Identifier: Apache-2.0
#include "services/storage/blob_reader.h"

#include <algorithm>

namespace lazuli::storage {

ReadTickets::Ticket ReadTickets::take() {
  std::lock_guard lock(mutex_);
  out_.insert(next_);
  return Ticket(*this, next_++);
}

uint64_t ReadTickets::next() const {
  std::lock_guard lock(mutex_);
  return next_;
}

bool ReadTickets::all_back_before(uint64_t number) const {
  std::lock_guard lock(mutex_);
  return out_.empty() || *out_.begin() >= number;
}

void ReadTickets::put_back(uint64_t number) {
  std::lock_guard lock(mutex_);
  out_.erase(number);
}

Result<std::shared_ptr<bytes::Reader>> BlobReader::open(size_t index) {
  std::lock_guard lock(mutex_);
  if (!open_reader_ || open_index_ != index) {
    open_reader_ = TRY(store_.open(segments_[index].object));
    open_index_ = index;
  }
  return open_reader_;
}

Result<size_t> BlobReader::read(uint64_t offset, std::span<std::byte> out) {
  if (offset >= size_) return size_t{0};
  // The last segment that starts at or before the offset.
  auto after = std::upper_bound(segments_.begin(), segments_.end(), offset,
                                [](uint64_t at, const Segment& s) { return at < s.start; });
  CHECK(after != segments_.begin());
  size_t filled = 0;
  for (size_t index = static_cast<size_t>(after - segments_.begin()) - 1;
       index < segments_.size() && filled < out.size() && offset < size_; ++index) {
    const Segment& segment = segments_[index];
    auto reader = TRY(open(index));
    uint64_t inside = offset - segment.start;
    size_t wanted = static_cast<size_t>(
        std::min<uint64_t>({out.size() - filled, segment.size - inside, size_ - offset}));
    size_t count = TRY(reader->read(inside, out.subspan(filled, wanted)));
    if (count < wanted)
      return internal_error("a stored object is shorter than its blob says", "DataCorruption");
    filled += count;
    offset += count;
  }
  return filled;
}

Result<size_t> RangeSource::read(std::span<std::byte> out) {
  size_t wanted = static_cast<size_t>(std::min<uint64_t>(out.size(), end_ - position_));
  if (wanted == 0) return size_t{0};
  size_t count = TRY(reader_->read(position_, out.first(wanted)));
  if (count == 0) return internal_error("a blob ended before its size", "DataCorruption");
  position_ += count;
  return count;
}

}  // namespace lazuli::storage
