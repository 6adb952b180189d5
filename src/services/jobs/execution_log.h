// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/jobs/peers.h"

namespace lazuli::jobs {

// Writes the execution logs of pipelines ("logs/azureml/executionlogs.txt") to their artifacts. The
// lines are kept in the database by the transactions they tell of; this only copies them out, all
// of them each time, so that a crash neither loses nor repeats one. Thread-safe.
class ExecutionLog {
 public:
  explicit ExecutionLog(const Context& context) : context_(context) {}
  ~ExecutionLog() { stop(); }

  void start();
  void stop() noexcept;
  void wake();  // there are new lines

 private:
  void run();
  Result<void> write_out();

  const Context& context_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool running_ = false;
  bool pending_ = true;  // what a former life left
  std::thread thread_;
};

}  // namespace lazuli::jobs
