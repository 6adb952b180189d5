// SPDX-License-Identifier: Apache-2.0
#include "services/storage/reclaimer.h"

#include "base/log.h"
#include "services/storage/store.h"
#include "services/storage/upload.h"

namespace lazuli::storage {
namespace {

constexpr size_t kRemovalsPerRound = 256;
constexpr size_t kMergeQueueMax = 10000;
constexpr auto kStagedBlockLife = std::chrono::hours(24 * 7);
constexpr Duration kIdlePause = std::chrono::minutes(10);
constexpr Duration kReadersPause = std::chrono::seconds(1);
constexpr auto kExpiryPause = std::chrono::hours(1);
// As soon as this many neighbours are all smaller than a tier's limit they become one segment, the
// smallest tier first: a byte is copied a few times only, however long the log grows.
constexpr uint64_t kTierLimits[] = {1u << 10, 1u << 15, 1u << 20};
constexpr size_t kNeighboursMin = 32;
constexpr size_t kCopyBytes = 256 * 1024;
constexpr auto kFirstSearch = std::chrono::minutes(1);
constexpr auto kOrphanPause = std::chrono::hours(1);  // far longer than a write may take
constexpr size_t kSuspectsMax = 100000;
constexpr size_t kObjectsPerRead = 256;

void warn(std::string_view what, const Error& error) {
  log::warning("storage", what, {{"error", error.message}});
}

std::vector<Segment> longest_run(const std::vector<Segment>& segments, uint64_t limit) {
  std::vector<Segment> best, run;
  for (const Segment& segment : segments) {
    if (segment.size < limit && segment.block_id.empty()) {
      run.push_back(segment);
    } else {
      run.clear();
    }
    if (run.size() > best.size()) best = run;
  }
  return best;
}

// The neighbours to merge now, or none.
std::vector<Segment> neighbours_to_merge(const std::vector<Segment>& segments) {
  for (uint64_t limit : kTierLimits) {
    auto run = longest_run(segments, limit);
    if (run.size() >= kNeighboursMin) return run;
  }
  return {};
}

}  // namespace

void Reclaimer::start() {
  woken_ = true;
  orphan_search_ = SteadyClock::now() + kFirstSearch;
  thread_ = std::thread([this] { run(); });
}

void Reclaimer::stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Reclaimer::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Reclaimer::consider_merge(int64_t blob) {
  {
    std::lock_guard lock(mutex_);
    if (to_merge_.size() >= kMergeQueueMax) return;
    to_merge_.insert(blob);
    woken_ = true;
  }
  changed_.notify_all();
}

Result<size_t> Reclaimer::remove_pending() {
  if (round_.objects.empty()) {
    round_.objects = TRY(
        db_.read([](db::Reader& db) { return store::pending_removals(db, kRemovalsPerRound); }));
    // Whoever takes a ticket from here on sees the database without these objects.
    round_.horizon = tickets_.next();
  }
  if (round_.objects.empty() || !tickets_.all_back_before(round_.horizon)) return size_t{0};
  for (const bytes::ObjectId& object : round_.objects) TRY(bytes_.remove(object));
  TRY(db_.write([&](db::Tx& tx) { return store::forget_removals(tx, round_.objects); }));
  size_t count = round_.objects.size();
  round_.objects.clear();
  return count;
}

Result<void> Reclaimer::expire_blocks() {
  TRY(db_.write([&](db::Tx& tx) -> Result<void> {
    TRY(store::expire_staged_blocks(tx, now() - kStagedBlockLife, now()));
    return {};
  }));
  return {};
}

Result<bool> Reclaimer::merge_small_segments(int64_t blob_id) {
  auto ticket = tickets_.take();
  auto all = TRY(db_.read(
      [&](db::Reader& db) { return store::segments(db, blob_id, 0, uint64_t{INT64_MAX}); }));
  auto run = neighbours_to_merge(all);
  if (run.empty()) return false;

  const uint64_t begin = run.front().start, end = run.back().start + run.back().size;
  BlobReader reader(bytes_, run, end, std::move(ticket));
  auto writer = TRY(bytes_.create());
  std::vector<std::byte> buffer(kCopyBytes);
  for (uint64_t at = begin; at < end;) {
    size_t count = TRY(reader.read(at, buffer));
    TRY(writer->append(std::span(buffer).first(count)));
    at += count;
  }
  StagedObject merged(bytes_, TRY(writer->finish()));
  auto outcome = db_.write([&](db::Tx& tx) -> Result<void> {
    if (!TRY(store::merge_segments(tx, blob_id, run, merged.info().id, now())))
      return conflict("the blob has changed meanwhile");
    return {};
  });
  if (!outcome.ok() && outcome.error().code == Code::kConflict) return false;
  merged.keep();
  TRY(std::move(outcome));
  wake();
  return true;
}

Result<std::vector<bytes::ObjectId>> Reclaimer::find_unknown() {
  std::vector<bytes::ObjectId> unknown, batch;
  auto check_batch = [&]() -> Result<void> {
    TRY(db_.read([&](db::Reader& db) -> Result<void> {
      for (const bytes::ObjectId& object : batch)
        if (!TRY(store::knows_object(db, object))) unknown.push_back(object);
      return {};
    }));
    batch.clear();
    return {};
  };
  TRY(bytes_.list([&](const bytes::ObjectId& object) -> Result<void> {
    if (unknown.size() >= kSuspectsMax) return {};  // the rest is for the next start
    batch.push_back(object);
    if (batch.size() < kObjectsPerRead) return {};
    return check_batch();
  }));
  TRY(check_batch());
  return unknown;
}

Result<size_t> Reclaimer::give_up(std::span<const bytes::ObjectId> objects) {
  size_t count = 0;
  for (size_t at = 0; at < objects.size(); at += kObjectsPerRead) {
    auto batch = objects.subspan(at, std::min(kObjectsPerRead, objects.size() - at));
    count += TRY(db_.write([&](db::Tx& tx) -> Result<size_t> {
      size_t added = 0;
      for (const bytes::ObjectId& object : batch) {
        if (TRY(store::knows_object(tx, object))) continue;
        TRY(store::add_removal(tx, object, now()));
        ++added;
      }
      return added;
    }));
  }
  return count;
}

void Reclaimer::look_for_orphans() {
  if (!orphan_search_ || SteadyClock::now() < *orphan_search_) return;
  orphan_search_.reset();
  if (suspects_.empty()) {
    auto unknown = find_unknown();
    if (!unknown.ok()) return warn("could not look for orphaned objects", unknown.error());
    suspects_ = std::move(*unknown);
    if (!suspects_.empty()) orphan_search_ = SteadyClock::now() + kOrphanPause;
    return;
  }
  auto removed = give_up(suspects_);
  suspects_.clear();
  if (!removed.ok()) return warn("could not remove orphaned objects", removed.error());
  if (*removed > 0) log::info("storage", "removing orphaned objects", {{"count", *removed}});
}

void Reclaimer::work(const std::set<int64_t>& blobs) {
  for (int64_t blob : blobs) {
    auto merged = merge_small_segments(blob);
    if (!merged.ok()) warn("could not merge the segments of a blob", merged.error());
  }
  if (SteadyClock::now() - expired_ > kExpiryPause) {
    auto expired = expire_blocks();
    if (!expired.ok()) warn("could not expire staged blocks", expired.error());
    expired_ = SteadyClock::now();
  }
  look_for_orphans();
  for (;;) {
    auto removed = remove_pending();
    if (!removed.ok()) warn("could not remove unused objects", removed.error());
    if (!removed.ok() || *removed == 0) return;
  }
}

Duration Reclaimer::pause() const {
  if (!round_.objects.empty()) return kReadersPause;
  if (!orphan_search_) return kIdlePause;
  auto left = std::chrono::duration_cast<Duration>(*orphan_search_ - SteadyClock::now());
  return std::clamp<Duration>(left, Duration(0), kIdlePause);
}

void Reclaimer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    std::set<int64_t> blobs;
    blobs.swap(to_merge_);
    lock.unlock();
    work(blobs);
    lock.lock();
    changed_.wait_for(lock, pause(), [this] { return stopping_ || woken_; });
  }
}

}  // namespace lazuli::storage
