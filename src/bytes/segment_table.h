// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bytes/file_layer.h"
#include "bytes/segment_format.h"

namespace lazuli::bytes {

// The segments of a store: their files, and how much of each is alive. Thread-safe.
class SegmentTable {
 public:
  SegmentTable(FileLayer& files, std::string folder) : files_(files), folder_(std::move(folder)) {}

  const std::string& folder() const { return folder_; }
  std::string segment_path(uint32_t number) const;
  std::string index_path(uint32_t number) const;

  void add(uint32_t number);        // one to be written
  void add_found(uint32_t number);  // one of an earlier life
  // A record was written to, or found in, a segment; `end` is the offset behind it.
  void record_added(uint32_t number, RecordKind kind, uint32_t size, uint32_t end);
  // The object in this record is elsewhere or gone.
  void record_died(const Location& location);
  void set_finished(uint32_t number);  // nothing more is written to it

  // For reading. A few hundred files stay open; a file that is removed can still be read by who has
  // it.
  Result<std::shared_ptr<File>> open(uint32_t number);

  std::vector<uint32_t> numbers() const;  // ascending
  // Finished segments with less than half of their bytes alive, the worst first.
  std::vector<uint32_t> to_compact() const;
  bool has_live_records(uint32_t number) const;
  uint64_t size(uint32_t number) const;

  // kNotFound if there is none that is sound.
  Result<SegmentIndex> read_stored_index(uint32_t number);
  // The index as stored, or made anew by reading the segment.
  Result<SegmentIndex> read_index(uint32_t number);
  Result<SegmentScan> scan(uint32_t number);
  // Durable but for its folder: what is lost is made again.
  Result<void> write_index(const SegmentIndex& index);
  // Both files, durably.
  Result<void> remove(uint32_t number);
  // What was written since `first` holds removals that the segments of today still need.
  void removals_looked_through(uint32_t first);

 private:
  static constexpr uint64_t kUnknown = UINT64_MAX;
  struct State {
    std::shared_ptr<File> file;
    uint32_t end = kSegmentHeaderSize;
    uint64_t live = 0;          // bytes of objects that are here
    uint64_t removals = 0;      // bytes of removals' records
    uint64_t others = 0;        // bytes of other records, dead or alive
    uint64_t epoch = kUnknown;  // when the removals here were last needed
    bool finished = false;
  };
  uint64_t needed_bytes(const State& state) const;
  Result<std::string> read_file(const std::string& path, uint64_t size_max);

  FileLayer& files_;
  const std::string folder_;
  mutable std::mutex mutex_;
  std::map<uint32_t, State> segments_;
  std::deque<uint32_t> open_;  // whose files are open, the oldest first
  uint64_t epoch_ = 0;         // segments with objects that were removed so far
};

}  // namespace lazuli::bytes
