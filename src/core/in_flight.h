// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace lazuli::core {

// Counts what is under way for each of many keys (a principal, a source), so that none of them
// takes all there is. Thread-safe; outlives its tickets.
class InFlight {
  struct Shard;

 public:
  // One place; given back when it ends.
  class Ticket {
   public:
    Ticket() = default;
    ~Ticket() { reset(); }
    Ticket(Ticket&& other) noexcept
        : shard_(std::exchange(other.shard_, nullptr)), key_(std::move(other.key_)) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(shard_, other.shard_);
      std::swap(key_, other.key_);
      return *this;
    }

   private:
    friend class InFlight;
    Ticket(Shard& shard, std::string key) : shard_(&shard), key_(std::move(key)) {}
    void reset();
    Shard* shard_ = nullptr;
    std::string key_;
  };

  explicit InFlight(size_t each_max) : each_max_(each_max) {}
  // Nothing if the key has as many as it may.
  std::optional<Ticket> enter(std::string key);

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, size_t> counts;
  };
  const size_t each_max_;
  std::array<Shard, 16> shards_;
};

}  // namespace lazuli::core
