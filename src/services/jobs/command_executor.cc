// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/command_executor.h"

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "base/strings.h"
#include "services/jobs/publish.h"
#include "services/jobs/store.h"

namespace lazuli::jobs {
namespace {

namespace fs = std::filesystem;

constexpr size_t kActivePerCore = 4;
constexpr size_t kActiveMin = 8;
constexpr int kFinishThreads = 4;
constexpr size_t kQueueMax = 65536;
constexpr size_t kWaitingMax = 65536;
constexpr auto kLogPatience = std::chrono::minutes(1);
constexpr auto kRetryPause = std::chrono::milliseconds(500);

size_t active_max() {
  return std::max<size_t>(kActiveMin, kActivePerCore * std::thread::hardware_concurrency());
}

bool has_ended(compute::ProcessState state) {
  return state != compute::ProcessState::kStarting && state != compute::ProcessState::kRunning;
}

}  // namespace

CommandExecutor::CommandExecutor(const Context& context)
    : context_(context),
      active_max_(active_max()),
      pump_(context.peers.storage),
      prepare_queue_(kQueueMax),
      finish_queue_(kQueueMax) {}

void CommandExecutor::start_workers() {
  sweep();
  pump_.start();
  prepare_queue_.start(static_cast<int>(active_max_));
  finish_queue_.start(kFinishThreads);
}

void CommandExecutor::stop() noexcept {
  stopping_ = true;
  prepare_queue_.stop();
  finish_queue_.stop();
  pump_.stop();
}

Result<void> CommandExecutor::start(const workflow::Attempt& attempt) {
  auto task = std::make_shared<Task>();
  task->attempt_id = attempt.id;
  task->number = attempt.number;
  task->spec = command_from_json(attempt.step.params);
  task->process_id = process_id(task->spec.job_id, attempt.number);
  task->scratch.root = scratch_root(task->process_id);
  {
    std::lock_guard lock(mutex_);
    if (tasks_.contains(attempt.id)) return {};
    if (waiting_.size() >= kWaitingMax) return unavailable("Too many jobs are waiting.");
    task->cancelled = cancelled_early_.erase(attempt.id) > 0;
    tasks_[attempt.id] = task;
    by_process_[task->process_id] = task;
    waiting_.push_back(task);
  }
  fill_slots();
  return {};
}

void CommandExecutor::cancel(const std::string& attempt_id) {
  TaskPtr task;
  Phase phase = Phase::kWaiting;
  {
    std::lock_guard lock(mutex_);
    const auto found = tasks_.find(attempt_id);
    if (found == tasks_.end()) {
      cancelled_early_.insert(attempt_id);
      return;
    }
    task = found->second;
    task->cancelled = true;
    phase = task->phase;
    const auto waits = std::find(waiting_.begin(), waiting_.end(), task);
    if (waits != waiting_.end()) {  // no need for a slot to end it
      waiting_.erase(waits);
      task->phase = Phase::kPreparing;
      ++active_;
      phase = Phase::kPreparing;
      prepare_queue_.post([this, task] { begin(task); });
    }
  }
  if (phase == Phase::kRunning) context_.peers.compute.cancel(task->process_id);
}

void CommandExecutor::on_exit(const compute::ProcessStatus& status) {
  TaskPtr task;
  {
    std::lock_guard lock(mutex_);
    const auto found = by_process_.find(status.id);
    if (found != by_process_.end()) task = found->second;
  }
  if (task) {
    post_finish(task, status);
  } else {
    finish_queue_.post([this, id = status.id] { clean_up(id); });
  }
}

void CommandExecutor::fill_slots() {
  std::lock_guard lock(mutex_);
  while (active_ < active_max_ && !waiting_.empty()) {
    TaskPtr task = std::move(waiting_.front());
    waiting_.pop_front();
    ++active_;
    task->phase = Phase::kPreparing;
    prepare_queue_.post([this, task] { begin(task); });
  }
}

// On a prepare thread.
void CommandExecutor::begin(const TaskPtr& task) {
  bool resumed = false;
  const auto look = [&]() -> Result<void> {
    resumed = TRY(resume(task));
    return {};
  };
  if (!persist("see how far an attempt came", look) || resumed) return;
  const Result<void> launched = launch(task);
  if (!launched.ok()) end_before_start(task, launched.error());
}

// Where a former life of the server left it, if it had begun.
Result<bool> CommandExecutor::resume(const TaskPtr& task) {
  const auto published = TRY(context_.db.read(
      [&](db::Reader& reader) { return Store::publication(reader, task->attempt_id); }));
  if (published) {
    tell_end(task, {workflow::State::kSucceeded, *published, {}});
    return true;
  }
  const auto status = context_.peers.compute.status(task->process_id);
  if (!status.ok()) {
    if (status.error().code == Code::kNotFound) return false;
    return status.error();
  }
  TRY(follow(task));
  if (task->cancelled) context_.peers.compute.cancel(task->process_id);
  return true;
}

Result<void> CommandExecutor::launch(const TaskPtr& task) {
  const auto cancelled = [this, task] { return task->cancelled || stopping_; };
  const auto canceled = [] { return deadline_exceeded("The job was canceled.", "Canceled"); };
  if (cancelled()) return canceled();
  set_status(*task, "Preparing");
  JobLog log(context_.peers.storage, TRY(std_log(context_, task->spec)), task->number == 1);
  auto prepared = Preparation(context_, task->spec, task->scratch, log, cancelled).run();
  if (!prepared.ok()) {
    (void)log.write(cat({"[lazuli] ", prepared.error().message, "\n"}));
    return prepared.error();
  }
  if (cancelled()) return canceled();
  prepared->id = task->process_id;
  TRY(context_.db.write([&](db::Tx& tx) {
    return Store::put_attempt(tx,
                              {task->attempt_id, task->process_id, task->spec.job_id, log.size()});
  }));
  TRY(context_.peers.compute.submit(std::move(*prepared)));
  if (!persist("follow a process", [&] { return follow(task); })) return {};
  if (task->cancelled) context_.peers.compute.cancel(task->process_id);
  set_status(*task, "Running");
  return {};
}

// The process exists: its log is copied from now on, and its end is waited for.
Result<void> CommandExecutor::follow(const TaskPtr& task) {
  TRY(follow_log(task));
  {
    std::lock_guard lock(mutex_);
    if (task->phase == Phase::kPreparing) task->phase = Phase::kRunning;
  }
  // It may have ended before anybody listened.
  const auto status = TRY(context_.peers.compute.status(task->process_id));
  if (has_ended(status.state)) post_finish(task, status);
  return {};
}

Result<void> CommandExecutor::follow_log(const TaskPtr& task) {
  const auto row = TRY(context_.db.read(
      [&](db::Reader& reader) { return Store::attempt(reader, task->attempt_id); }));
  if (!row) return internal_error(cat({"No record of the attempt ", task->attempt_id, "."}));
  storage::BlobPath blob = TRY(std_log(context_, task->spec));
  return pump_.add(task->process_id, context_.peers.compute.log_path(task->process_id),
                   std::move(blob), row->log_base);
}

void CommandExecutor::end_before_start(const TaskPtr& task, const Error& error) {
  {
    std::lock_guard lock(mutex_);
    if (task->phase == Phase::kFinishing) return;
    task->phase = Phase::kFinishing;
  }
  if (stopping_) return;  // the next life of the server begins it again
  if (task->cancelled) {
    tell_end(task, {workflow::State::kCanceled, {}, {}});
  } else {
    tell_end(task, {workflow::State::kFailed, {}, error});
  }
}

void CommandExecutor::post_finish(const TaskPtr& task, compute::ProcessStatus status) {
  {
    std::lock_guard lock(mutex_);
    if (task->phase == Phase::kFinishing) return;
    task->phase = Phase::kFinishing;
  }
  finish_queue_.post([this, task, status = std::move(status)] { finish(task, status); });
}

// On a finish thread.
void CommandExecutor::finish(const TaskPtr& task, const compute::ProcessStatus& status) {
  set_status(*task, "Finalizing");
  const auto deadline = SteadyClock::now() + kLogPatience;
  const bool followed = persist("copy the rest of a log", [&]() -> Result<void> {
    TRY(follow_log(task));
    const Result<void> copied = pump_.finish(task->process_id);
    if (copied.ok() || SteadyClock::now() < deadline) return copied;
    log::error("jobs", "gave up on the end of a job's log",
               {{"job", task->spec.job_id}, {"error", copied.error().message}});
    pump_.drop(task->process_id);
    return {};
  });
  if (!followed) return;
  const workflow::Outcome outcome = publish(task, status);
  if (!stopping_) tell_end(task, outcome);
}

workflow::Outcome CommandExecutor::publish(const TaskPtr& task,
                                           const compute::ProcessStatus& status) {
  const std::string log_file = context_.peers.compute.log_path(task->process_id);
  workflow::Outcome outcome = outcome_of(status, task->spec, log_file);
  const Result<void> artifacts = publish_artifacts(context_, task->spec, task->scratch);
  if (outcome.state != workflow::State::kSucceeded) return outcome;
  if (!artifacts.ok()) return {workflow::State::kFailed, {}, artifacts.error()};
  Result<Json> result = publish_outputs(context_, task->spec, task->scratch, task->attempt_id);
  if (!result.ok()) return {workflow::State::kFailed, {}, result.error()};
  outcome.result = std::move(*result);
  return outcome;
}

// Nothing of the attempt is needed any more once the workflow knows its end.
void CommandExecutor::tell_end(const TaskPtr& task, const workflow::Outcome& outcome) {
  const bool told = persist(
      "tell the end", [&] { return context_.peers.workflow.complete(task->attempt_id, outcome); });
  if (!told) return;
  wipe(task->process_id);
  {
    std::lock_guard lock(mutex_);
    tasks_.erase(task->attempt_id);
    by_process_.erase(task->process_id);
    --active_;
  }
  fill_slots();
}

// Folders of attempts that ended just before the server did.
void CommandExecutor::sweep() {
  std::error_code code;
  const fs::path folder = scratch_root("");
  fs::create_directories(folder, code);
  fs::permissions(folder, fs::perms::owner_all, code);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, code)) {
    const std::string id = entry.path().filename();
    if (is_over(id)) wipe(id);
  }
}

void CommandExecutor::clean_up(const std::string& id) {
  if (is_over(id)) wipe(id);
}

// Whether a process belongs to no attempt that still has to end.
bool CommandExecutor::is_over(const std::string& id) {
  const auto row =
      context_.db.read([&](db::Reader& reader) { return Store::attempt_of_process(reader, id); });
  if (!row.ok()) return false;
  if (!*row) return true;
  const std::string run_id = (*row)->id.substr(0, (*row)->id.find('/'));
  const auto run = context_.peers.workflow.status(run_id);
  if (!run.ok()) return run.error().code == Code::kNotFound;
  for (const workflow::StepStatus& step : run->steps) {
    const std::string attempt = cat({run_id, "/", step.name, "/", std::to_string(step.attempt)});
    if (attempt == (*row)->id) return workflow::is_terminal(step.state);
  }
  return true;
}

void CommandExecutor::set_status(const Task& task, const char* status) {
  const auto written = context_.db.write(
      [&](db::Tx& tx) { return context_.peers.runs.set_status(tx, task.spec.job_id, status); });
  if (written.ok()) return;
  log::warning("jobs", "cannot record a job's status",
               {{"job", task.spec.job_id}, {"status", status}, {"error", written.error().message}});
}

std::string CommandExecutor::scratch_root(const std::string& id) const {
  return cat({context_.installation.data_dir, "/jobs/", id});
}

void CommandExecutor::wipe(const std::string& id) {
  std::error_code code;
  fs::remove_all(scratch_root(id), code);
  if (code) {
    log::warning("jobs", "cannot remove a job's folder", {{"id", id}, {"error", code.message()}});
  }
  if (!context_.peers.compute.status(id).ok()) return;
  const Result<void> forgotten = context_.peers.compute.forget(id);
  if (forgotten.ok() || forgotten.error().code == Code::kNotFound) return;
  log::warning("jobs", "cannot forget a process",
               {{"id", id}, {"error", forgotten.error().message}});
}

// Repeats what must not be given up until it succeeds; false when the server stops first.
template <typename F>
bool CommandExecutor::persist(const char* what, F&& action) {
  while (!stopping_) {
    const Result<void> done = action();
    if (done.ok()) return true;
    log::error("jobs", "will try again", {{"what", what}, {"error", done.error().message}});
    std::this_thread::sleep_for(kRetryPause);
  }
  return false;
}

}  // namespace lazuli::jobs
