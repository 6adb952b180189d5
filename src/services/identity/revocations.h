// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

#include "services/identity/revocation_store.h"

namespace lazuli::identity {

inline constexpr std::string_view kJobEnded = "job";
inline constexpr std::string_view kSessionEnded = "session";
inline constexpr std::string_view kTokenDenied = "token";

// Which jobs, sessions and single tokens are over, held in memory. A change counts from the moment
// its transaction is durable; `generation` rises with it, so that what was found good before is
// looked at again. Thread-safe.
class Revocations {
 public:
  explicit Revocations(db::Database::Handle handle) : store_(std::move(handle)) {}

  Result<void> add(db::Tx& tx, std::string_view kind, const std::string& subject, Timestamp until);
  bool contains(std::string_view kind, std::string_view subject) const;
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  // Takes in what is new in the database (also other nodes' work).
  Result<void> refresh();
  // Forgets what can no longer matter.
  Result<void> prune(Timestamp time);

 private:
  using Key = std::pair<std::string, std::string>;
  void remember(const Revocation& revocation);

  RevocationStore store_;
  mutable std::shared_mutex mutex_;
  std::map<Key, Timestamp, std::less<>> ended_;
  int64_t last_id_ = 0;
  std::atomic<uint64_t> generation_{1};
};

}  // namespace lazuli::identity
