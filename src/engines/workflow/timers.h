// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"

namespace lazuli::workflow {

// When which step is to be looked at again: the database's due times, in order. Thread-safe.
class Timers {
 public:
  static constexpr uint32_t kRun = UINT32_MAX;  // the run itself
  struct Key {
    std::string run_id;
    uint32_t position = kRun;
    auto operator<=>(const Key&) const = default;
  };

  // A due of zero clears it.
  void set(const Key& key, Timestamp due);
  void clear();
  std::optional<Timestamp> next() const;
  // Takes those that are due, the earliest first.
  std::vector<Key> take(Timestamp at, size_t count_max);

 private:
  mutable std::mutex mutex_;
  std::map<Key, Timestamp> due_;
  std::set<std::pair<Timestamp, Key>> order_;
};

}  // namespace lazuli::workflow
