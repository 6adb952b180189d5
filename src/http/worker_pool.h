// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace lazuli::http {

// Work for a pool thread. It owns itself while it runs, and passes itself on afterwards.
class Job {
 public:
  virtual ~Job() = default;
  virtual void run(std::unique_ptr<Job> self) = 0;
};

// Threads that run jobs in order of arrival; started as they are needed, up to a bound.
// Thread-safe.
class WorkerPool {
 public:
  WorkerPool(size_t threads_max, size_t queue_max);
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Takes the job, or hands it back: the queue is full, or the pool has stopped.
  std::unique_ptr<Job> submit(std::unique_ptr<Job> job);
  // For work that was accepted before and goes on: never refused for a full queue. After stop() the
  // job is destroyed.
  void resume(std::unique_ptr<Job> job);
  // Waits for the running jobs and destroys the queued ones.
  void stop();

 private:
  void push(std::unique_ptr<Job> job, std::unique_lock<std::mutex>& lock);
  void work();

  const size_t threads_max_;
  const size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Job>> queue_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace lazuli::http
