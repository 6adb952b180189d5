// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "bytes/bytes.h"

namespace lazuli::bytes {

// How often a store is looked after.
struct CareOptions {
  std::chrono::milliseconds compact_every = std::chrono::minutes(10);
  std::chrono::milliseconds first_scrub = std::chrono::minutes(30);  // after the start
  std::chrono::milliseconds scrub_every = std::chrono::hours(24 * 14);
  uint64_t scrub_bytes_per_second_max = 20u << 20;
};

// Compacts and scrubs a store in the background, one at a time, until it is destroyed. The store
// must outlive it.
class Caretaker {
 public:
  explicit Caretaker(Store& store, const CareOptions& options = {});
  ~Caretaker();
  Caretaker(const Caretaker&) = delete;
  Caretaker& operator=(const Caretaker&) = delete;

 private:
  using Time = std::chrono::steady_clock::time_point;
  void run();
  void compact();
  void scrub();
  bool stopping();

  Store& store_;
  const CareOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lazuli::bytes
