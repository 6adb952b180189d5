// SPDX-License-Identifier: Apache-2.0
#include "services/identity/rate_limit.h"

namespace lazuli::identity {

double RateLimit::refilled(const Bucket& bucket, SteadyClock::time_point time) const {
  double seconds = std::chrono::duration<double>(time - bucket.updated).count();
  return std::min(options_.burst, bucket.level + std::max(0.0, seconds) * options_.per_second);
}

bool RateLimit::has(std::string_view key, SteadyClock::time_point time) {
  std::lock_guard lock(mutex_);
  auto found = buckets_.find(key);
  return found == buckets_.end() || refilled(found->second, time) >= 1;
}

bool RateLimit::take(std::string_view key, SteadyClock::time_point time) {
  std::lock_guard lock(mutex_);
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    if (buckets_.size() >= options_.keys_max) make_room(time);
    buckets_.emplace(std::string(key), Bucket{options_.burst - 1, time});
    return true;
  }
  Bucket& bucket = found->second;
  bucket.level = refilled(bucket, time);
  bucket.updated = time;
  if (bucket.level < 1) return false;
  bucket.level -= 1;
  return true;
}

// Full buckets hold nothing against anybody. If all are in use, an arbitrary one goes.
void RateLimit::make_room(SteadyClock::time_point time) {
  std::erase_if(buckets_,
                [&](const auto& entry) { return refilled(entry.second, time) >= options_.burst; });
  if (buckets_.size() >= options_.keys_max) buckets_.erase(buckets_.begin());
}

}  // namespace lazuli::identity
