// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "core/dispatch.h"
#include "core/vault.h"
#include "engines/workflow/work_queue.h"
#include "engines/workflow/workflow.h"
#include "services/schedules/model.h"

namespace lazuli::schedules {

// Fires schedules: when one is due, one transaction records the firing (of which there can be only
// one for a schedule and a time), submits a workflow run that creates the job, and moves the
// schedule on to its next time. On whichever server that happens, it happens once. What was missed
// while no server ran is fired as soon as one does, back to kCatchUp ago. Thread-safe.
class Firer final : public workflow::Executor, public workflow::Observer {
 public:
  static constexpr const char* kStepKind = "schedules.fire";
  static constexpr const char* kRunPrefix = "schedule.";  // no job is named so
  static constexpr Duration kCatchUp = std::chrono::hours(24);

  Firer(workflow::Engine& engine, core::Dispatcher& dispatcher, core::Vault& vault,
        db::Database::Handle handle, std::function<Timestamp()> clock = now);
  ~Firer() override { end(); }

  void begin();
  void end() noexcept;
  void wake();  // a schedule has changed

  // What is due by now.
  Result<void> fire_due();
  // One firing, in the caller's transaction; the one that is there already, if there is.
  Result<Firing> fire(db::Tx& tx, const Schedule& schedule, Timestamp scheduled);

  Result<void> start(const workflow::Attempt& attempt) override;
  void cancel(const std::string& attempt_id) override;
  // What becomes of a firing is read from its run.
  Result<void> on_step(db::Tx&, const std::string&, const workflow::StepStatus&) override {
    return {};
  }
  Result<void> on_run(db::Tx&, const workflow::RunStatus&) override { return {}; }

 private:
  void watch();
  Result<void> fire_next(const Schedule& schedule);
  Result<void> forget_old();
  void submit_job(const workflow::Attempt& attempt);
  workflow::Outcome create_job(const core::Principal& caller, const Json& params);

  workflow::Engine& engine_;
  core::Dispatcher& dispatcher_;
  core::Vault& vault_;
  const db::Database::Handle handle_;
  const std::function<Timestamp()> clock_;
  workflow::WorkQueue queue_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool running_ = false;
  bool woken_ = false;
  std::thread thread_;
};

// "daily-20260301T101500Z"
std::string job_name(const std::string& schedule, Timestamp scheduled);

}  // namespace lazuli::schedules
