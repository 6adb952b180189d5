// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "bytes/packed_objects.h"

namespace lazuli::bytes {
namespace {

constexpr uint64_t kCopyBytesMax = 4u << 20;  // in one round

}  // namespace

Result<uint64_t> PackedObjects::compact(const std::function<bool()>& stop) {
  std::lock_guard lock(compaction_);
  uint64_t freed = 0;
  const uint32_t first_new = log_.active_number();
  const std::vector<uint32_t> numbers = table_.to_compact();
  for (uint32_t number : numbers) {
    if (stop && stop()) break;
    auto bytes = compact_segment(number, stop);
    if (!bytes.ok()) {
      log::error("bytes", "could not compact a segment",
                 {{"segment", number}, {"error", bytes.error().message}});
      TRY(health_.check());
      continue;
    }
    freed += *bytes;
  }
  if (!numbers.empty()) table_.removals_looked_through(first_new);
  return freed;
}

Result<uint64_t> PackedObjects::compact_segment(uint32_t number,
                                                const std::function<bool()>& stop) {
  const SegmentIndex index = TRY(table_.read_index(number));
  TRY(copy_live_records(index, stop));
  if (stop && stop()) return uint64_t{0};
  if (table_.has_live_records(number))
    return internal_error("a record that is alive was left behind");
  const uint64_t size = table_.size(number);
  auto removed = table_.remove(number);
  if (!removed.ok()) return health_.fail(std::move(removed).error());
  return size;
}

Result<void> PackedObjects::copy_live_records(const SegmentIndex& index,
                                              const std::function<bool()>& stop) {
  const std::set<RawId> needed = TRY(needed_removals(index));
  std::vector<Record> copies;
  uint64_t bytes = 0;
  for (const SegmentEntry& entry : index.entries) {
    if (stop && stop()) return {};
    std::optional<Record> copy = TRY(copy_of(index.segment, entry, needed));
    if (!copy) continue;
    bytes += record_size(entry.length);
    copies.push_back(*std::move(copy));
    if (bytes < kCopyBytesMax) continue;
    TRY(log_.commit(copies));
    copies.clear();
    bytes = 0;
  }
  return log_.commit(copies);
}

Result<std::optional<Record>> PackedObjects::copy_of(uint32_t segment, const SegmentEntry& entry,
                                                     const std::set<RawId>& needed) {
  std::optional<Record> copy;
  if (entry.kind == RecordKind::kRemoval) {
    if (needed.contains(entry.id)) copy = Record::make(RecordKind::kRemoval, entry.id);
    return copy;
  }
  const Location location{segment, entry.offset, entry.length,
                          entry.kind == RecordKind::kQuarantine};
  if (index_.find(entry.id) != location) return copy;
  std::optional<std::vector<std::byte>> body;
  if (!location.quarantined) {
    body = TRY(read_body(entry.id, location));
    if (!body) {
      log::error("bytes", "an object is damaged and set aside", {{"object", to_text(entry.id)}});
      TRY(quarantine(entry.id, location));
      return copy;
    }
  }
  copy = Record::make(entry.kind, entry.id, body ? *std::move(body) : std::vector<std::byte>());
  copy->replaces = location;
  return copy;
}

// Those of the segment's removals whose objects have records elsewhere. Such records are older than
// the removal, for nothing copies what was removed, and so they are in earlier segments.
Result<std::set<RawId>> PackedObjects::needed_removals(const SegmentIndex& index) {
  std::set<RawId> removed, needed;
  for (const SegmentEntry& entry : index.entries)
    if (entry.kind == RecordKind::kRemoval) removed.insert(entry.id);
  if (removed.empty()) return needed;
  for (uint32_t number : table_.numbers()) {
    if (number >= index.segment) break;
    const SegmentIndex other = TRY(table_.read_index(number));
    for (const SegmentEntry& entry : other.entries)
      if (entry.kind != RecordKind::kRemoval && removed.contains(entry.id)) needed.insert(entry.id);
  }
  return needed;
}

}  // namespace lazuli::bytes
