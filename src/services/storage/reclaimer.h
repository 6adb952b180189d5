// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <vector>

#include "base/time.h"
#include "bytes/bytes.h"
#include "db/db.h"
#include "services/storage/blob_reader.h"

namespace lazuli::storage {

// The background worker of the byte side: removes objects nothing refers to any more, forgets
// staged blocks after seven days, and merges the many small segments of a log into few.
// Thread-safe.
class Reclaimer {
 public:
  Reclaimer(db::Database::Handle db, bytes::Store& bytes, ReadTickets& tickets)
      : db_(std::move(db)), bytes_(bytes), tickets_(tickets) {}
  ~Reclaimer() { stop(); }
  void start();
  void stop() noexcept;

  void wake();                        // there are pending removals
  void consider_merge(int64_t blob);  // a blob has been appended to; bounded, may be dropped

  // One round each, also for tests. remove_pending() leaves what is still being read.
  Result<size_t> remove_pending();
  Result<void> expire_blocks();
  Result<bool> merge_small_segments(int64_t blob_id);
  // Objects without a reference: those that are orphans, and those whose row is just being written.
  Result<std::vector<bytes::ObjectId>> find_unknown();
  // Schedules the removal of those that are unknown still, kOrphanPause later.
  Result<size_t> give_up(std::span<const bytes::ObjectId> objects);

 private:
  // Objects to be removed as soon as the tickets before `horizon` are back.
  struct Round {
    std::vector<bytes::ObjectId> objects;
    uint64_t horizon = 0;
  };
  void run();
  void work(const std::set<int64_t>& blobs);
  void look_for_orphans();
  Duration pause() const;

  db::Database::Handle db_;
  bytes::Store& bytes_;
  ReadTickets& tickets_;
  Round round_;                        // of the worker alone
  SteadyClock::time_point expired_{};  // of the worker alone
  // When to look for orphans next, and those that were unknown the first time; of the worker alone.
  std::optional<SteadyClock::time_point> orphan_search_;
  std::vector<bytes::ObjectId> suspects_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool woken_ = false;
  std::set<int64_t> to_merge_;
  std::thread thread_;
};

}  // namespace lazuli::storage
