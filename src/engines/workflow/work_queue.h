// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lazuli::workflow {

// A bounded queue and the few threads that empty it. Thread-safe.
class WorkQueue {
 public:
  explicit WorkQueue(size_t size_max) : size_max_(size_max) {}
  ~WorkQueue() { stop(); }

  void start(int threads);
  // Ends after the tasks in progress; those still queued are dropped.
  void stop() noexcept;
  // False when full or not started: the caller must come back.
  bool post(std::function<void()> task);

 private:
  void run();

  const size_t size_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool running_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace lazuli::workflow
