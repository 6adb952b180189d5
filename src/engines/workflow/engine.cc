// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "base/log.h"
#include "base/strings.h"
#include "engines/workflow/decide.h"
#include "engines/workflow/model.h"
#include "engines/workflow/store.h"
#include "engines/workflow/work_queue.h"

namespace lazuli::workflow {
namespace {

constexpr int kWorkers = 4;
constexpr size_t kQueueMax = 4096;
constexpr Duration kAbandonAfter = std::chrono::minutes(1);  // well beyond any executor's grace
constexpr auto kRetryPause = std::chrono::milliseconds(200);
constexpr auto kIdlePause = std::chrono::minutes(1);

class EngineImpl final : public Engine {
 public:
  explicit EngineImpl(db::Database::Handle handle)
      : handle_(std::move(handle)), queue_(kQueueMax) {}
  ~EngineImpl() override { stop(); }

  void add_executor(const std::string& kind, Executor& executor) override {
    executors_[kind] = &executor;
  }
  void set_observer(Observer& observer, const std::string& prefix) override {
    observers_[prefix] = &observer;
  }
  Result<void> start() override;
  void stop() noexcept override;

  Result<void> submit(db::Tx& caller, const std::string& run_id,
                      const Definition& definition) override;
  Result<void> cancel(db::Tx& caller, const std::string& run_id) override;
  Result<void> complete(const std::string& attempt_id, Outcome outcome) override;
  Result<RunStatus> status(const std::string& run_id) override;

 private:
  // Within a transaction: journals `first` and all that follows from it.
  Result<void> advance(db::Tx& caller, LoadedRun loaded, Event first);
  Result<void> write_timers(db::Tx& tx, const LoadedRun& loaded, const Event& event);
  Result<void> write_changes(db::Tx& caller, const RunRecord& before, const RunRecord& after);
  void act_after_commit(db::Tx& tx, const LoadedRun& loaded, const Event& event);
  Observer* observer_of(const std::string& run_id) const;

  // Outside of transactions, on workers.
  void post_start(const std::string& attempt_id);
  void post_cancel(const std::string& attempt_id, const std::string& kind);
  void begin_attempt(const std::string& attempt_id);
  Result<std::optional<Attempt>> load_attempt(const std::string& attempt_id);
  void fail_attempt(const std::string& attempt_id, Error error);
  void begin_again_later(const std::string& attempt_id);

  // The dispatcher thread: timers, and what the queue could not take.
  void dispatch();
  Result<Duration> fire_due_timers();  // how long until the next one
  Result<void> fire(const Timer& timer);
  Result<void> rescan();
  void wake(bool rescan_needed);

  db::Database::Handle handle_;
  WorkQueue queue_;
  std::map<std::string, Executor*> executors_;
  std::map<std::string, Observer*, std::greater<>> observers_;  // by prefix, longer ones first

  std::mutex mutex_;
  std::condition_variable changed_;
  bool running_ = false;
  bool woken_ = false;
  bool rescan_needed_ = false;
  std::set<std::string> begun_;      // attempts handed to a worker in this life
  std::set<std::string> cancelled_;  // likewise, cancellations
  std::thread dispatcher_;
};

Result<void> EngineImpl::start() {
  queue_.start(kWorkers);
  {
    std::lock_guard lock(mutex_);
    if (running_) return {};
    running_ = true;
    rescan_needed_ = true;
  }
  dispatcher_ = std::thread([this] { dispatch(); });
  return {};
}

void EngineImpl::stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    running_ = false;
  }
  changed_.notify_all();
  if (dispatcher_.joinable()) dispatcher_.join();
  queue_.stop();
}

Result<void> EngineImpl::submit(db::Tx& caller, const std::string& run_id,
                                const Definition& definition) {
  if (run_id.empty() || run_id.find('/') != std::string::npos) {
    return invalid_argument(cat({"'", run_id, "' cannot be a run's id."}));
  }
  TRY(check_definition(definition));
  for (const Step& step : definition.steps) {
    if (executors_.contains(step.kind)) continue;
    return invalid_argument(cat({"No executor for steps of kind '", step.kind, "'."}));
  }
  LoadedRun loaded{fresh_run(run_id, definition), definition};
  TRY(Store::insert_run(handle_.join(caller), loaded.run, definition));
  return advance(caller, std::move(loaded), {.kind = EventKind::kSubmitted, .at = now()});
}

Result<void> EngineImpl::cancel(db::Tx& caller, const std::string& run_id) {
  auto loaded = TRY(Store::load_run(handle_.join(caller), run_id));
  if (!loaded) return not_found(cat({"No run with the id '", run_id, "'."}));
  if (is_terminal(loaded->run.state) || loaded->run.cancel_requested) return {};
  return advance(caller, std::move(*loaded), {.kind = EventKind::kCancelRequested, .at = now()});
}

Result<void> EngineImpl::complete(const std::string& attempt_id, Outcome outcome) {
  if (!is_terminal(outcome.state)) {
    return invalid_argument("An attempt can only end as succeeded, failed or canceled.");
  }
  const auto id = parse_attempt_id(attempt_id);
  if (!id) return {};
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    auto loaded = TRY(Store::load_run(tx, id->run_id));
    if (!loaded) return {};
    const StepRecord* record = loaded->run.find(id->step);
    if (record == nullptr || record->status.attempt != id->number) return {};
    const State state = record->status.state;
    if (state != State::kRunning && state != State::kCancelRequested) return {};
    const Step& step = loaded->definition.steps[record - loaded->run.steps.data()];
    Event event = ended(step, loaded->run, *record, outcome, now());
    return advance(tx, std::move(*loaded), std::move(event));
  });
}

Result<RunStatus> EngineImpl::status(const std::string& run_id) {
  return handle_.read([&](db::Reader& reader) -> Result<RunStatus> {
    const auto loaded = TRY(Store::load_run(reader, run_id));
    if (!loaded) return not_found(cat({"No run with the id '", run_id, "'."}));
    RunStatus status{run_id, loaded->run.state, loaded->run.error, {}};
    for (const StepRecord& record : loaded->run.steps) status.steps.push_back(record.status);
    return status;
  });
}

Result<void> EngineImpl::advance(db::Tx& caller, LoadedRun loaded, Event first) {
  db::Tx& tx = handle_.join(caller);
  const RunRecord before = loaded.run;
  const Timestamp at = first.at;
  std::vector<Event> events;
  events.push_back(std::move(first));
  while (!events.empty()) {
    for (const Event& event : events) {
      TRY(Store::append(tx, loaded.run.id, event));
      apply(loaded.run, event);
      TRY(write_timers(tx, loaded, event));
      act_after_commit(tx, loaded, event);
    }
    events = decide(loaded.definition, loaded.run, at);
  }
  return write_changes(caller, before, loaded.run);
}

Result<void> EngineImpl::write_timers(db::Tx& tx, const LoadedRun& loaded, const Event& event) {
  if (event.step.empty()) return {};
  const std::string id = attempt_id(loaded.run.id, event.step, event.attempt);
  switch (event.kind) {
    case EventKind::kScheduled: {
      for (const Step& step : loaded.definition.steps) {
        if (step.name != event.step || step.timeout.count() == 0) continue;
        const Timer timer{id, TimerKind::kTimeout, event.at + step.timeout};
        TRY(Store::set_timer(tx, timer));
        tx.after_commit([this] { wake(false); });
      }
      return {};
    }
    case EventKind::kStepTimedOut:
      return Store::set_timer(tx, {id, TimerKind::kAbandon, event.at + kAbandonAfter});
    case EventKind::kStepEnded:
    case EventKind::kAttemptFailed:
    case EventKind::kStepCancelRequested:
      return Store::clear_timer(tx, id);
    default:
      return {};
  }
}

// Of two prefixes of one id the longer sorts behind the shorter, so the first match is the longest.
Observer* EngineImpl::observer_of(const std::string& run_id) const {
  for (const auto& [prefix, observer] : observers_)
    if (run_id.starts_with(prefix)) return observer;
  return nullptr;
}

Result<void> EngineImpl::write_changes(db::Tx& caller, const RunRecord& before,
                                       const RunRecord& after) {
  db::Tx& tx = handle_.join(caller);
  Observer* observer = observer_of(after.id);
  for (size_t i = 0; i < after.steps.size(); ++i) {
    const StepStatus& step = after.steps[i].status;
    const StepStatus& was = before.steps[i].status;
    if (step.state == was.state && step.attempt == was.attempt) continue;
    TRY(Store::save_step(tx, after.id, after.steps[i]));
    if (observer != nullptr) TRY(observer->on_step(caller, after.id, step));
  }
  TRY(Store::save_run(tx, after));
  if (after.state == before.state || observer == nullptr) return {};
  RunStatus status{after.id, after.state, after.error, {}};
  for (const StepRecord& record : after.steps) status.steps.push_back(record.status);
  return observer->on_run(caller, status);
}

void EngineImpl::act_after_commit(db::Tx& tx, const LoadedRun& loaded, const Event& event) {
  if (event.step.empty()) return;
  const std::string id = attempt_id(loaded.run.id, event.step, event.attempt);
  switch (event.kind) {
    case EventKind::kScheduled:
      tx.after_commit([this, id] { post_start(id); });
      break;
    case EventKind::kStepCancelRequested:
    case EventKind::kStepTimedOut:
      for (const Step& step : loaded.definition.steps) {
        if (step.name != event.step) continue;
        tx.after_commit([this, id, kind = step.kind] { post_cancel(id, kind); });
      }
      break;
    case EventKind::kStepEnded:
    case EventKind::kAttemptFailed:
      tx.after_commit([this, id] {
        std::lock_guard lock(mutex_);
        begun_.erase(id);
        cancelled_.erase(id);
      });
      break;
    default:
      break;
  }
}

void EngineImpl::post_start(const std::string& attempt_id) {
  {
    std::lock_guard lock(mutex_);
    if (!running_ || !begun_.insert(attempt_id).second) return;
  }
  if (!queue_.post([this, attempt_id] { begin_attempt(attempt_id); })) {
    begin_again_later(attempt_id);
  }
}

void EngineImpl::post_cancel(const std::string& attempt_id, const std::string& kind) {
  {
    std::lock_guard lock(mutex_);
    if (!running_ || !cancelled_.insert(attempt_id).second) return;
  }
  const auto executor = executors_.find(kind);
  if (executor == executors_.end()) return;
  if (queue_.post([attempt_id, executor] { executor->second->cancel(attempt_id); })) return;
  {
    std::lock_guard lock(mutex_);
    cancelled_.erase(attempt_id);
  }
  wake(true);
}

void EngineImpl::begin_attempt(const std::string& attempt_id) {
  Result<std::optional<Attempt>> attempt = load_attempt(attempt_id);
  if (!attempt.ok()) {
    log::error("workflow", "cannot read an attempt; will try again",
               {{"attempt", attempt_id}, {"error", attempt.error().message}});
    begin_again_later(attempt_id);
    return;
  }
  if (!*attempt) {  // it has ended meanwhile
    std::lock_guard lock(mutex_);
    begun_.erase(attempt_id);
    return;
  }
  const auto executor = executors_.find((*attempt)->step.kind);
  if (executor == executors_.end()) {
    fail_attempt(attempt_id, internal_error(cat({"This server has no executor for steps of kind '",
                                                 (*attempt)->step.kind, "'."})));
    return;
  }
  Result<void> begun = executor->second->start(**attempt);
  if (!begun.ok()) fail_attempt(attempt_id, std::move(begun).error());
}

Result<std::optional<Attempt>> EngineImpl::load_attempt(const std::string& attempt_id) {
  const auto id = parse_attempt_id(attempt_id);
  CHECK(id.has_value());
  return handle_.read([&](db::Reader& reader) -> Result<std::optional<Attempt>> {
    auto loaded = TRY(Store::load_run(reader, id->run_id));
    if (!loaded) return std::optional<Attempt>();
    const StepRecord* record = loaded->run.find(id->step);
    if (record == nullptr || record->status.attempt != id->number ||
        is_terminal(record->status.state)) {
      return std::optional<Attempt>();
    }
    Attempt attempt{attempt_id, id->run_id, {}, id->number, {}};
    attempt.step = loaded->definition.steps[record - loaded->run.steps.data()];
    for (const std::string& before : attempt.step.after) {
      attempt.results[before] = loaded->run.find(before)->status.result;
    }
    return std::optional<Attempt>(std::move(attempt));
  });
}

void EngineImpl::begin_again_later(const std::string& attempt_id) {
  {
    std::lock_guard lock(mutex_);
    begun_.erase(attempt_id);
  }
  wake(true);
}

void EngineImpl::fail_attempt(const std::string& attempt_id, Error error) {
  Result<void> done = complete(attempt_id, {State::kFailed, {}, std::move(error)});
  if (done.ok()) return;
  log::error("workflow", "cannot record the end of an attempt; will begin it again",
             {{"attempt", attempt_id}, {"error", done.error().message}});
  begin_again_later(attempt_id);
}

void EngineImpl::dispatch() {
  SteadyClock::time_point next_scan = SteadyClock::now();
  std::unique_lock lock(mutex_);
  while (running_) {
    const bool scan = rescan_needed_ && SteadyClock::now() >= next_scan;
    if (scan) rescan_needed_ = false;
    woken_ = false;
    lock.unlock();
    if (scan) next_scan = SteadyClock::now() + kRetryPause;
    Result<void> done = scan ? rescan() : success();
    const Result<Duration> idle = done.ok() ? fire_due_timers() : Result<Duration>(done.error());
    if (!idle.ok()) {
      log::warning("workflow", "the dispatcher will try again", {{"error", idle.error().message}});
    }
    lock.lock();
    rescan_needed_ |= scan && !done.ok();
    Duration pause = idle.ok() ? *idle : Duration(kRetryPause);
    if (rescan_needed_) pause = std::min(pause, Duration(kRetryPause));
    changed_.wait_for(lock, pause, [&] {
      return !running_ || woken_ || (rescan_needed_ && SteadyClock::now() >= next_scan);
    });
  }
}

Result<Duration> EngineImpl::fire_due_timers() {
  const auto timers =
      TRY(handle_.read([](db::Reader& reader) { return Store::due_timers(reader, now()); }));
  for (const Timer& timer : timers) TRY(fire(timer));
  const auto next = TRY(handle_.read([](db::Reader& reader) { return Store::next_timer(reader); }));
  if (!next) return Duration(kIdlePause);
  return std::clamp(Duration(*next - now()), Duration(0), Duration(kIdlePause));
}

Result<void> EngineImpl::fire(const Timer& timer) {
  const auto id = parse_attempt_id(timer.attempt_id);
  CHECK(id.has_value());
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    auto loaded = TRY(Store::load_run(tx, id->run_id));
    const StepRecord* record = loaded ? loaded->run.find(id->step) : nullptr;
    const bool current = record != nullptr && record->status.attempt == id->number;
    if (current && timer.kind == TimerKind::kTimeout && record->status.state == State::kRunning) {
      return advance(tx, std::move(*loaded),
                     {EventKind::kStepTimedOut, id->step, id->number, {}, now()});
    }
    if (current && timer.kind == TimerKind::kAbandon && record->timed_out &&
        record->status.state == State::kCancelRequested) {
      const Step& step = loaded->definition.steps[record - loaded->run.steps.data()];
      Event event = ended(step, loaded->run, *record, {State::kFailed, {}, {}}, now());
      return advance(tx, std::move(*loaded), std::move(event));
    }
    return Store::clear_timer(tx, timer.attempt_id);
  });
}

// What the database says runs, but no worker of this life has begun.
Result<void> EngineImpl::rescan() {
  const auto attempts =
      TRY(handle_.read([](db::Reader& reader) { return Store::active_attempts(reader); }));
  for (const Store::ActiveAttempt& attempt : attempts) {
    post_start(attempt.id);
    if (!attempt.cancel_requested) continue;
    const auto loaded = TRY(load_attempt(attempt.id));
    if (loaded) post_cancel(attempt.id, loaded->step.kind);
  }
  return {};
}

void EngineImpl::wake(bool rescan_needed) {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
    rescan_needed_ |= rescan_needed;
  }
  changed_.notify_all();
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(db::Database::Handle handle) {
  return std::unique_ptr<Engine>(std::make_unique<EngineImpl>(std::move(handle)));
}

std::vector<db::Migration> Engine::migrations() { return Store::migrations(); }

}  // namespace lazuli::workflow
