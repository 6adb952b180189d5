// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "base/strings.h"
#include "base/time.h"
#include "bytes/local_store.h"

namespace lazuli::bytes {
namespace {

constexpr size_t kFindingsMax = 1000;
constexpr size_t kReadSize = 256u << 10;
constexpr auto kPauseMax = std::chrono::milliseconds(100);

// Looks through a store: the segments record by record, the index against what they hold, the files
// chunk by chunk. What changes while it runs is looked at again before it becomes a finding.
class Check {
 public:
  Check(LocalFolder& folder, const CheckOptions& options) : folder_(folder), options_(options) {}

  Result<CheckReport> run() {
    for (uint32_t segment : packed().table().numbers()) TRY(check_segment(segment));
    TRY(check_unknown());
    TRY(packed().for_each([&](const RawId& id, const Location& location) -> Result<void> {
      if (stopped()) return {};
      return check_packed(id, location);
    }));
    TRY(folder_.large().list([&](const ObjectId& id) -> Result<void> {
      if (stopped()) return {};
      return check_content(id, std::nullopt);
    }));
    for (const std::string& path : TRY(folder_.large().foreign_files()))
      find({}, cat({path, " is no object in its place"}));
    report_.complete = !stopped();
    return std::move(report_);
  }

 private:
  PackedObjects& packed() { return folder_.packed(); }

  bool stopped() const { return options_.stop && options_.stop(); }

  void find(const ObjectId& id, std::string what) {
    log::error("bytes", "found in a check", {{"object", id}, {"what", what}});
    if (report_.findings.size() < kFindingsMax) report_.findings.push_back({id, std::move(what)});
  }

  // Keeps to the rate that was asked for.
  void have_read(uint64_t bytes) {
    report_.bytes += bytes;
    if (options_.bytes_per_second_max == 0) return;
    const auto due = started_ + std::chrono::microseconds(report_.bytes * 1'000'000 /
                                                          options_.bytes_per_second_max);
    while (SteadyClock::now() < due && !stopped())
      std::this_thread::sleep_for(
          std::min<SteadyClock::duration>(due - SteadyClock::now(), kPauseMax));
  }

  // Segment → index: what a segment holds is known, or was removed.
  Result<void> check_segment(uint32_t segment) {
    if (stopped()) return {};
    auto stored = packed().table().read_stored_index(segment);
    if (!stored.ok() && stored.error().code != Code::kNotFound) return std::move(stored).error();
    if (!stored.ok()) return {};  // it is written to; what it holds is checked from the index
    if (!options_.quarantine) TRY(compare_with_segment(*stored));
    for (const SegmentEntry& entry : stored->entries) {
      if (entry.kind == RecordKind::kRemoval)
        removed_.insert(entry.id);
      else if (!packed().find(entry.id))
        unknown_.emplace_back(entry.id, segment);
    }
    return {};
  }

  Result<void> compare_with_segment(const SegmentIndex& stored) {
    auto scan = packed().table().scan(stored.segment);
    const std::string name = cat({"segment ", std::to_string(stored.segment)});
    if (!scan.ok() && scan.error().code == Code::kNotFound) {
      const std::vector<uint32_t> numbers = packed().table().numbers();
      if (std::ranges::binary_search(numbers, stored.segment)) find({}, cat({name, " is missing"}));
      return {};
    }
    if (!scan.ok()) return std::move(scan).error();
    if (scan->damaged > 0)
      find({}, cat({name, " has ", std::to_string(scan->damaged), " damaged bytes"}));
    std::vector<SegmentEntry>& entries = scan->index.entries;
    std::erase_if(entries, [&](const SegmentEntry& entry) { return entry.offset >= stored.end; });
    if (entries != stored.entries) find({}, cat({name, " and its index differ"}));
    return {};
  }

  Result<void> check_unknown() {
    std::erase_if(unknown_, [&](const auto& each) { return removed_.contains(each.first); });
    if (unknown_.empty()) return {};
    // Removals may be too young to be in the indexes that were read.
    const std::vector<uint32_t> numbers = packed().table().numbers();
    for (uint32_t segment : numbers) {
      const SegmentIndex index = TRY(packed().table().read_index(segment));
      for (const SegmentEntry& entry : index.entries)
        if (entry.kind == RecordKind::kRemoval) removed_.insert(entry.id);
    }
    for (const auto& [id, segment] : unknown_)
      if (!removed_.contains(id) && std::ranges::binary_search(numbers, segment))
        find(to_text(id), cat({"is in segment ", std::to_string(segment), ", but not known"}));
    return {};
  }

  Result<void> check_packed(const RawId& id, const Location& location) {
    if (location.quarantined) {
      ++report_.quarantined;
      return {};
    }
    have_read(record_size(location.length));
    auto sound = packed().verify(id, location);
    if (sound.ok() && *sound) return check_content(to_text(id), location);
    if (packed().find(id) != location) return {};  // moved or removed meanwhile
    sound = packed().verify(id, location);         // it may have been read wrongly once
    if (sound.ok() && *sound) return {};
    if (!sound.ok()) return cannot_read(to_text(id), sound.error());
    ++report_.damaged;
    find(to_text(id), cat({"does not verify in segment ", std::to_string(location.segment)}));
    if (options_.quarantine && TRY(packed().quarantine(id, location))) ++report_.quarantined;
    return {};
  }

  // The disk may give it back another time, so it is not set aside.
  Result<void> cannot_read(const ObjectId& id, const Error& error) {
    ++report_.damaged;
    find(id, error.message);
    return {};
  }

  // A sound record may still hold what no key opens.
  Result<void> check_content(const ObjectId& id, const std::optional<Location>& location) {
    auto read = read_all(id, /*counts=*/!location);
    if (read.ok()) {
      ++report_.objects;
      return {};
    }
    if (read.error().code == Code::kNotFound) return {};  // removed meanwhile
    if (read.error().wire_code == "KeyRevoked") {
      ++report_.locked;
      return {};
    }
    if (read.error().wire_code != "DataCorruption") return cannot_read(id, read.error());
    ++report_.damaged;
    find(id, read.error().message);
    if (!options_.quarantine) return {};
    if (!location) {
      auto moved = folder_.large().set_aside(id, packed().quarantine_path(*parse_raw_id(id)));
      if (!moved.ok() && moved.error().code == Code::kNotFound) return {};
      TRY(std::move(moved));
    }
    if (TRY(packed().quarantine(*parse_raw_id(id), location))) ++report_.quarantined;
    return {};
  }

  Result<uint64_t> read_all(const ObjectId& id, bool counts) {
    std::unique_ptr<Reader> reader = TRY(open_local_reader(folder_, id));
    for (uint64_t at = 0; at < reader->size() && !stopped();) {
      const size_t count = TRY(reader->read(at, buffer_));
      at += count;
      if (counts) have_read(count);
    }
    return reader->size();
  }

  LocalFolder& folder_;
  const CheckOptions& options_;
  const SteadyClock::time_point started_ = SteadyClock::now();
  CheckReport report_;
  std::vector<std::pair<RawId, uint32_t>> unknown_;  // and the segment they are in
  std::set<RawId> removed_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kReadSize);
};

}  // namespace

Result<CheckReport> check_local(LocalFolder& folder, const CheckOptions& options) {
  return Check(folder, options).run();
}

}  // namespace lazuli::bytes
