// SPDX-License-Identifier: Apache-2.0
#include "http/worker_pool.h"

namespace lazuli::http {

WorkerPool::WorkerPool(size_t threads_max, size_t queue_max)
    : threads_max_(threads_max), queue_max_(queue_max) {}

std::unique_ptr<Job> WorkerPool::submit(std::unique_ptr<Job> job) {
  std::unique_lock lock(mutex_);
  if (stopping_ || queue_.size() >= queue_max_) return job;
  push(std::move(job), lock);
  return nullptr;
}

void WorkerPool::resume(std::unique_ptr<Job> job) {
  std::unique_lock lock(mutex_);
  if (!stopping_) push(std::move(job), lock);
}

void WorkerPool::push(std::unique_ptr<Job> job, std::unique_lock<std::mutex>& lock) {
  queue_.push_back(std::move(job));
  if (queue_.size() > idle_ && threads_.size() < threads_max_) {
    threads_.emplace_back([this] { work(); });
    return;
  }
  lock.unlock();
  wake_.notify_one();
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (stopping_) return;
    std::unique_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    Job& running = *job;
    running.run(std::move(job));
    lock.lock();
  }
}

void WorkerPool::stop() {
  std::deque<std::unique_ptr<Job>> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace lazuli::http
