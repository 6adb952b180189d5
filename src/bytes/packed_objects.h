// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "bytes/bytes.h"
#include "bytes/segment_log.h"

namespace lazuli::bytes {

// The small objects: images packed into segments. Thread-safe.
class PackedObjects {
 public:
  static constexpr uint64_t kContentSizeMax = 256u << 10;  // of one object

  PackedObjects(FileLayer& files, DiskHealth& health, const std::string& folder)
      : files_(files),
        health_(health),
        quarantine_(folder + "/quarantine"),
        table_(files, folder + "/segments"),
        log_(files, table_, index_, health) {}

  // Makes the folders, and finds what is there.
  Result<void> prepare();

  Result<void> put(const RawId& id, std::vector<std::byte> image);
  Result<void> remove(const RawId& id);
  std::optional<Location> find(const RawId& id) const { return index_.find(id); }
  // The file that holds the record; kNotFound if it is gone, since it was moved or lost.
  Result<std::shared_ptr<File>> open(const Location& location) {
    return table_.open(location.segment);
  }
  Result<void> for_each(
      const std::function<Result<void>(const RawId&, const Location&)>& visit) const {
    return index_.for_each(visit);
  }

  // Rewrites what is alive in the segments that are mostly dead. Returns the bytes given back.
  Result<uint64_t> compact(const std::function<bool()>& stop);

  // Whether the record is in its place with every byte.
  Result<bool> verify(const RawId& id, const Location& location);
  // Makes the object refused from now on, and keeps its bytes aside. `location`: nothing if it is
  // not packed. False if it is not there any more.
  Result<bool> quarantine(const RawId& id, const std::optional<Location>& location);
  std::string quarantine_path(const RawId& id) const;

  SegmentTable& table() { return table_; }
  size_t count() const { return index_.size(); }

 private:
  struct Loaded {  // what takes effect once all objects are known
    std::vector<std::pair<RawId, Location>> quarantined;
    std::vector<RawId> removed;
  };
  Result<std::set<uint32_t>> list_segments();
  Result<void> load(uint32_t number);
  Result<SegmentIndex> recover(uint32_t number);
  void take(uint32_t segment, const SegmentEntry& entry);
  void settle();
  Result<void> drop_empty(uint32_t number);
  void place(const RawId& id, const Location& location);

  Result<uint64_t> compact_segment(uint32_t number, const std::function<bool()>& stop);
  Result<void> copy_live_records(const SegmentIndex& index, const std::function<bool()>& stop);
  Result<std::optional<Record>> copy_of(uint32_t segment, const SegmentEntry& entry,
                                        const std::set<RawId>& needed);
  Result<std::set<RawId>> needed_removals(const SegmentIndex& index);
  Result<std::optional<std::vector<std::byte>>> read_body(const RawId& id,
                                                          const Location& location);

  FileLayer& files_;
  DiskHealth& health_;
  const std::string quarantine_;
  SegmentTable table_;
  ObjectIndex index_;
  SegmentLog log_;
  Loaded loaded_;          // while prepare() runs
  std::mutex compaction_;  // held while one runs
};

}  // namespace lazuli::bytes
