// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bytes/disk_health.h"
#include "bytes/file_layer.h"
#include "bytes/segment_table.h"

namespace lazuli::bytes {

// What is to be appended.
struct Record {
  RecordKind kind = RecordKind::kObject;
  RawId id{};
  std::vector<std::byte> body;
  std::string digest;  // record_digest of the body
  // A copy or a mark of the object there: left out if it no longer is there when it is written.
  std::optional<Location> replaces;

  static Record make(RecordKind kind, const RawId& id, std::vector<std::byte> body = {});
};

// Appends records to the newest segment: group commit. Thread-safe.
class SegmentLog {
 public:
  SegmentLog(FileLayer& files, SegmentTable& table, ObjectIndex& index, DiskHealth& health)
      : files_(files), table_(table), index_(index), health_(health) {}
  ~SegmentLog() { finish_segment(); }
  SegmentLog(const SegmentLog&) = delete;
  SegmentLog& operator=(const SegmentLog&) = delete;

  void start_at(uint32_t number) { next_number_ = number; }  // the first segment to be made
  // Returns when all of them are durable and in the index, or none is (but may be found after a
  // restart). A few megabytes at most.
  Result<void> commit(std::span<Record> records);
  // The segment that is written to, or the next to be made: none below it changes any more.
  uint32_t active_number() const;

 private:
  // Those who wait for the same flush.
  struct Round {
    std::vector<Record*> records;
    uint64_t bytes = 0;
    bool done = false;
    std::optional<Error> error;
    std::condition_variable changed;
  };
  struct Placed {
    const Record* record;
    Location location;
  };

  std::shared_ptr<Round> join(std::unique_lock<std::mutex>& lock, std::span<Record> records);
  void lead(std::unique_lock<std::mutex>& lock, Round& round);
  Result<void> write(Round& round);
  Result<void> prepare_segment(uint64_t bytes);
  Result<void> make_segment(uint32_t number);
  void compose(const Round& round);
  void add(const Record& record, uint32_t offset);
  void publish();
  void publish(const Placed& placed);
  void finish_segment();

  FileLayer& files_;
  SegmentTable& table_;
  ObjectIndex& index_;
  DiskHealth& health_;

  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::shared_ptr<Round> waiting_ = std::make_shared<Round>();  // the next to be written
  bool writing_ = false;
  uint32_t next_number_ = 1;

  // Of whoever writes:
  std::unique_ptr<File> file_;
  SegmentIndex segment_;  // of file_
  std::vector<std::byte> buffer_;
  std::vector<Placed> placed_;
};

}  // namespace lazuli::bytes
