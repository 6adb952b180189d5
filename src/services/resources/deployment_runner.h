// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <set>
#include <thread>
#include <vector>

#include "core/dispatch.h"
#include "core/vault.h"
#include "engines/workflow/workflow.h"
#include "services/resources/deployment_input.h"
#include "services/resources/deployment_store.h"

namespace lazuli::resources {

// Carries deployments out on the workflow engine: a step for each resource, made through the
// resource's own route with the rights of the deployment's caller, then what Complete mode removes,
// then the outputs. After a crash the steps that ran are begun again: creating a resource is
// idempotent. Thread-safe.
class DeploymentRunner final : public workflow::Executor, public workflow::Observer {
 public:
  static constexpr const char* kStepKind = "resources.deployment";
  static constexpr const char* kRunPrefix = "deployment:";
  // A whole deployment ends within this time, and with it what its caller's rights are used for.
  static constexpr Duration kLifetime = std::chrono::hours(24);

  DeploymentRunner(const Parts& parts, workflow::Engine& engine, core::Vault& vault,
                   DeploymentStore& store);
  ~DeploymentRunner() override;
  void begin();
  void end() noexcept;

  // Makes or replaces the deployment and lets it run; durable when it returns. kConflict
  // "DeploymentActive" when one of that name runs. True when the name is new.
  Result<bool> submit(const core::Principal& caller, uint16_t port, Order& order,
                      Deployment& deployment);
  Result<void> cancel(const Deployment& deployment);
  // For a scope that ends, within the transaction that ends it: what runs there is cancelled, and
  // all of the history goes.
  Result<void> end_all_of(db::Tx& tx, const std::string& scope);
  // How many deployments have ended; waits until there are more than `seen`. False when the time is
  // over, or the server stops.
  uint64_t ends() const { return ends_; }
  bool wait_for_end(uint64_t seen, SteadyClock::time_point until);
  Result<workflow::RunStatus> status(const Deployment& deployment) const;

  Result<void> start(const workflow::Attempt& attempt) override;
  void cancel(const std::string& attempt_id) override;
  Result<void> on_step(db::Tx& tx, const std::string& run_id,
                       const workflow::StepStatus& step) override;
  Result<void> on_run(db::Tx& tx, const workflow::RunStatus& run) override;

 private:
  struct Task;
  struct Active;
  void post(Task task, Duration delay);
  void work();
  void run(Task& task);
  Result<std::shared_ptr<Active>> active(const std::string& run_id);
  void deploy(Task& task, Active& active, size_t index);
  void poll(Task& task, Active& active, size_t index);
  void cancel_inner(const Task& task);
  void settle(Task& task, Active& active, size_t index, const http::Response& answer);
  void remove_others(Task& task, Active& active);
  Result<void> keep_made(const Json& made, std::set<std::string>& kept, int depth);
  void make_outputs(Task& task, Active& active);
  void succeed(const Task& task, Json result);
  void fail(const Task& task, Error error);
  void forget(const std::string& run_id);
  void complete(const std::string& attempt_id, workflow::Outcome outcome);

  const Parts& parts_;
  workflow::Engine& engine_;
  core::Vault& vault_;
  DeploymentStore& store_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable ended_;
  std::atomic<uint64_t> ends_ = 0;
  bool running_ = false;
  std::multimap<SteadyClock::time_point, Task> due_;
  std::map<std::string, std::shared_ptr<Active>> active_;  // by run
  std::set<std::string> canceled_;                         // attempts
  std::vector<std::thread> threads_;
};

}  // namespace lazuli::resources
