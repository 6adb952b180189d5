// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/timers.h"

namespace lazuli::workflow {

void Timers::set(const Key& key, Timestamp due) {
  std::lock_guard lock(mutex_);
  const auto found = due_.find(key);
  if (found != due_.end()) {
    order_.erase({found->second, key});
    due_.erase(found);
  }
  if (due == Timestamp{}) return;
  due_.emplace(key, due);
  order_.emplace(due, key);
}

void Timers::clear() {
  std::lock_guard lock(mutex_);
  due_.clear();
  order_.clear();
}

std::optional<Timestamp> Timers::next() const {
  std::lock_guard lock(mutex_);
  if (order_.empty()) return std::nullopt;
  return order_.begin()->first;
}

std::vector<Timers::Key> Timers::take(Timestamp at, size_t count_max) {
  std::lock_guard lock(mutex_);
  std::vector<Key> taken;
  while (!order_.empty() && order_.begin()->first <= at && taken.size() < count_max) {
    taken.push_back(order_.begin()->second);
    due_.erase(taken.back());
    order_.erase(order_.begin());
  }
  return taken;
}

}  // namespace lazuli::workflow
