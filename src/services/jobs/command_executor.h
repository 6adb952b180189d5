// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "engines/compute/compute.h"
#include "engines/workflow/work_queue.h"
#include "engines/workflow/workflow.h"
#include "services/jobs/log_pump.h"
#include "services/jobs/model.h"
#include "services/jobs/peers.h"
#include "services/jobs/prepare.h"

namespace lazuli::jobs {

// Runs the command steps of workflows: waits for a slot, prepares, starts a process, follows its
// log, publishes what it made, tells the workflow. Every stage can be repeated after a crash: the
// attempt's id, the process engine and the publication record say how far it came. Thread-safe.
class CommandExecutor : public workflow::Executor, public compute::ExitListener {
 public:
  explicit CommandExecutor(const Context& context);
  ~CommandExecutor() override { stop(); }

  void start_workers();
  void stop() noexcept;

  Result<void> start(const workflow::Attempt& attempt) override;
  void cancel(const std::string& attempt_id) override;
  void on_exit(const compute::ProcessStatus& status) override;

 private:
  enum class Phase { kWaiting, kPreparing, kRunning, kFinishing };
  struct Task {
    std::string attempt_id, process_id;
    int number = 1;
    CommandSpec spec;
    Scratch scratch;
    std::atomic<bool> cancelled = false;
    Phase phase = Phase::kWaiting;  // guarded by the executor's mutex
  };
  using TaskPtr = std::shared_ptr<Task>;

  void fill_slots();
  void begin(const TaskPtr& task);
  Result<bool> resume(const TaskPtr& task);
  Result<void> launch(const TaskPtr& task);
  Result<void> follow(const TaskPtr& task);
  Result<void> follow_log(const TaskPtr& task);
  void end_before_start(const TaskPtr& task, const Error& error);
  void post_finish(const TaskPtr& task, compute::ProcessStatus status);
  void finish(const TaskPtr& task, const compute::ProcessStatus& status);
  workflow::Outcome publish(const TaskPtr& task, const compute::ProcessStatus& status);
  void tell_end(const TaskPtr& task, const workflow::Outcome& outcome);
  void sweep();
  void clean_up(const std::string& process_id);
  bool is_over(const std::string& process_id);
  void set_status(const Task& task, const char* status);
  std::string scratch_root(const std::string& process_id) const;
  void wipe(const std::string& process_id);
  template <typename F>
  bool persist(const char* what, F&& action);

  const Context& context_;
  const size_t active_max_;
  LogPump pump_;
  workflow::WorkQueue prepare_queue_, finish_queue_;
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;
  std::map<std::string, TaskPtr> tasks_;  // by attempt
  std::map<std::string, TaskPtr> by_process_;
  std::deque<TaskPtr> waiting_;
  std::set<std::string> cancelled_early_;  // attempts cancelled before they were started
  size_t active_ = 0;
};

}  // namespace lazuli::jobs
