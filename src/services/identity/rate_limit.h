// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"

namespace lazuli::identity {

// Token buckets by key, in memory and bounded: a full house forgets those that are full again.
// Thread-safe.
class RateLimit {
 public:
  struct Options {
    double burst = 20;
    double per_second = 1;
    size_t keys_max = 16384;
  };
  explicit RateLimit(Options options) : options_(options) {}

  // Takes one; false when there is none.
  bool take(std::string_view key, SteadyClock::time_point time = SteadyClock::now());
  // Whether there is one, without taking it.
  bool has(std::string_view key, SteadyClock::time_point time = SteadyClock::now());

 private:
  struct Bucket {
    double level;
    SteadyClock::time_point updated;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  double refilled(const Bucket& bucket, SteadyClock::time_point time) const;
  void make_room(SteadyClock::time_point time);

  const Options options_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket, Hash, std::equal_to<>> buckets_;
};

}  // namespace lazuli::identity
