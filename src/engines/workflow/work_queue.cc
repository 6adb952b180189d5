// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/work_queue.h"

namespace lazuli::workflow {

void WorkQueue::start(int threads) {
  {
    std::lock_guard lock(mutex_);
    running_ = true;
  }
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

void WorkQueue::stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    running_ = false;
    tasks_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool WorkQueue::post(std::function<void()> task) {
  {
    std::lock_guard lock(mutex_);
    if (!running_ || tasks_.size() >= size_max_) return false;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

void WorkQueue::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !running_ || !tasks_.empty(); });
    if (!running_) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

}  // namespace lazuli::workflow
