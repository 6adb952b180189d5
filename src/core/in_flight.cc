// SPDX-License-Identifier: Apache-2.0
#include "core/in_flight.h"

namespace lazuli::core {

std::optional<InFlight::Ticket> InFlight::enter(std::string key) {
  Shard& shard = shards_[std::hash<std::string_view>()(key) % shards_.size()];
  {
    const std::lock_guard lock(shard.mutex);
    size_t& count = shard.counts[key];
    if (count >= each_max_) return std::nullopt;
    ++count;
  }
  return Ticket(shard, std::move(key));
}

void InFlight::Ticket::reset() {
  if (shard_ == nullptr) return;
  const std::lock_guard lock(shard_->mutex);
  const auto found = shard_->counts.find(key_);
  if (--found->second == 0) shard_->counts.erase(found);
  shard_ = nullptr;
}

}  // namespace lazuli::core
