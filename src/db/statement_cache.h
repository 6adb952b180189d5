// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace lazuli::db {

// The prepared statements of one connection, the least recently used dropped first. `T` frees its
// statement when destroyed.
template <typename T>
class StatementCache {
 public:
  explicit StatementCache(size_t statements_max) : statements_max_(statements_max) {}

  // Null when absent; valid until the next put().
  T* find(const std::string& key) {
    auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  T& put(const std::string& key, T statement) {
    if (entries_.size() >= statements_max_) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(statement));
    index_[key] = entries_.begin();
    return entries_.front().second;
  }

  void clear() {
    index_.clear();
    entries_.clear();
  }

 private:
  using Entry = std::pair<std::string, T>;
  size_t statements_max_;
  std::list<Entry> entries_;
  std::unordered_map<std::string, typename std::list<Entry>::iterator> index_;
};

}  // namespace lazuli::db
