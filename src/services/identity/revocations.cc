// SPDX-License-Identifier: Apache-2.0
#include "services/identity/revocations.h"

#include <mutex>

namespace lazuli::identity {

Result<void> Revocations::add(db::Tx& tx, std::string_view kind, const std::string& subject,
                              Timestamp until) {
  Revocation revocation{0, std::string(kind), subject, until};
  TRY(store_.add(tx, revocation));
  tx.after_commit([this, revocation] { remember(revocation); });
  return {};
}

void Revocations::remember(const Revocation& revocation) {
  std::unique_lock lock(mutex_);
  last_id_ = std::max(last_id_, revocation.id);
  auto [entry, fresh] = ended_.try_emplace({revocation.kind, revocation.subject}, revocation.until);
  entry->second = std::max(entry->second, revocation.until);
  if (fresh) generation_.fetch_add(1, std::memory_order_acq_rel);
}

bool Revocations::contains(std::string_view kind, std::string_view subject) const {
  if (subject.empty()) return false;
  std::shared_lock lock(mutex_);
  return ended_.contains(Key(kind, subject));
}

// Transactions may commit in another order than they took their numbers in: some are read again.
Result<void> Revocations::refresh() {
  constexpr int64_t kOverlap = 1000;
  int64_t last = 0;
  {
    std::shared_lock lock(mutex_);
    last = last_id_;
  }
  for (const Revocation& each : TRY(store_.after(last - kOverlap))) remember(each);
  return {};
}

Result<void> Revocations::prune(Timestamp time) {
  TRY(store_.drop_before(time));
  std::unique_lock lock(mutex_);
  std::erase_if(ended_, [&](const auto& entry) { return entry.second < time; });
  return {};
}

}  // namespace lazuli::identity
