// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/strings.h"
#include "engines/workflow/machine.h"
#include "engines/workflow/nodes.h"
#include "engines/workflow/work_queue.h"

namespace lazuli::workflow {
namespace {

constexpr int kWorkers = 4;
constexpr size_t kQueueMax = 65'536;
constexpr auto kRetryPause = std::chrono::milliseconds(200);
constexpr auto kLetterPause = std::chrono::milliseconds(250);
constexpr auto kIdlePause = std::chrono::minutes(1);
constexpr auto kTakeOverPause = std::chrono::milliseconds(500);

// The machine with threads: workers for what executors do, a dispatcher for what is due, and, where
// several servers share the database, a keeper of this node's lease.
class EngineImpl final : public Engine {
 public:
  EngineImpl(const db::Database::Handle& handle, const Options& options)
      : options_(options),
        queue_(kQueueMax),
        nodes_(handle, options),
        machine_(handle, {.clock = now,
                          .emit = [this](Effect effect) { post(std::move(effect)); },
                          .timer_changed = [this] { wake(); },
                          .may_own = may_own()}) {}
  ~EngineImpl() override { stop(); }

  void add_executor(const std::string& kind, Executor& executor) override {
    machine_.add_executor(kind, executor);
  }
  void set_observer(Observer& observer, const std::string& prefix) override {
    machine_.set_observer(observer, prefix);
  }
  Result<void> start() override;
  void stop() noexcept override;

  Result<void> submit(db::Tx& tx, const std::string& run_id,
                      const Definition& definition) override {
    return machine_.submit(tx, run_id, definition);
  }
  Result<void> cancel(db::Tx& tx, const std::string& run_id) override {
    return machine_.cancel(tx, run_id);
  }
  Result<void> signal(db::Tx& tx, const std::string& run_id, const std::string& name,
                      Json payload) override {
    return machine_.signal(tx, run_id, name, payload);
  }
  Result<void> forget(db::Tx& tx, const std::string& run_id) override {
    return machine_.forget(tx, run_id);
  }
  Result<void> complete(const std::string& attempt_id, Outcome outcome,
                        const Publish& publish) override {
    return machine_.complete(attempt_id, outcome, publish);
  }
  Result<RunStatus> status(const std::string& run_id) override { return machine_.status(run_id); }

 private:
  std::function<Result<bool>(db::Tx&)> may_own() {
    if (!options_.shared) return {};
    return [this](db::Tx& tx) { return nodes_.holds(tx); };
  }

  void post(Effect effect);
  void perform(const Effect& effect);
  void put_off(Effect effect);
  void wake();

  void dispatch();
  Duration until_due(bool failed);
  void post_again();
  void keep();  // the lease
  bool pause(std::unique_lock<std::mutex>& lock, Duration time);

  const Options options_;
  WorkQueue queue_;
  Nodes nodes_;
  Machine machine_;

  std::mutex mutex_;
  std::condition_variable changed_, stopping_;
  bool running_ = false;
  bool woken_ = false;
  std::deque<Effect> put_off_;  // no more than there are attempts
  std::thread dispatcher_, keeper_;
};

Result<void> EngineImpl::start() {
  {
    std::lock_guard lock(mutex_);
    if (running_) return {};
    running_ = true;
  }
  queue_.start(kWorkers);
  dispatcher_ = std::thread([this] { dispatch(); });
  const Result<void> joined = nodes_.join(machine_, false);
  if (options_.shared) keeper_ = std::thread([this] { keep(); });
  return joined;
}

void EngineImpl::stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    running_ = false;
  }
  changed_.notify_all();
  stopping_.notify_all();
  if (keeper_.joinable()) keeper_.join();
  if (dispatcher_.joinable()) dispatcher_.join();
  queue_.stop();
}

void EngineImpl::post(Effect effect) {
  {
    std::lock_guard lock(mutex_);
    if (!running_) return;  // start() finds it in the database
  }
  if (!queue_.post([this, effect] { perform(effect); })) put_off(std::move(effect));
}

void EngineImpl::perform(const Effect& effect) {
  if (!nodes_.is_fresh()) return put_off(effect);
  const Result<void> done = machine_.perform(effect);
  if (done.ok()) return;
  log::error("workflow", "cannot begin or cancel an attempt; will try again",
             {{"run", effect.run_id}, {"error", done.error().message}});
  put_off(effect);
}

void EngineImpl::put_off(Effect effect) {
  {
    std::lock_guard lock(mutex_);
    put_off_.push_back(std::move(effect));
  }
  wake();
}

void EngineImpl::wake() {
  {
    std::lock_guard lock(mutex_);
    if (woken_) return;
    woken_ = true;
  }
  changed_.notify_all();
}

void EngineImpl::post_again() {
  std::deque<Effect> effects;
  {
    std::lock_guard lock(mutex_);
    effects.swap(put_off_);
  }
  for (Effect& effect : effects) post(std::move(effect));
}

Duration EngineImpl::until_due(bool failed) {
  if (failed) return kRetryPause;
  const auto next = machine_.next_due();
  Duration pause = kIdlePause;
  if (next) pause = std::clamp(Duration(*next - now()), Duration(0), pause);
  return options_.shared ? std::min(pause, Duration(kLetterPause)) : pause;
}

void EngineImpl::dispatch() {
  auto next_again = SteadyClock::now(), next_letters = next_again, next_compaction = next_again;
  const auto is_time = [](SteadyClock::time_point& next, auto pause) {
    if (SteadyClock::now() < next) return false;
    next = SteadyClock::now() + pause;
    return true;
  };
  std::unique_lock lock(mutex_);
  while (running_) {
    woken_ = false;
    lock.unlock();
    Result<void> done = machine_.fire_due();
    if (is_time(next_again, kRetryPause)) post_again();
    if (done.ok() && options_.shared && is_time(next_letters, kLetterPause)) {
      done = machine_.read_letters();
    }
    if (done.ok() && is_time(next_compaction, kIdlePause)) {
      const Result<bool> more = machine_.compact(now() - options_.compact_after);
      if (!more.ok()) done = more.error();
      if (more.ok() && *more) next_compaction = SteadyClock::now() + kRetryPause;
    }
    if (!done.ok()) {
      log::warning("workflow", "the dispatcher will try again", {{"error", done.error().message}});
    }
    Duration time = until_due(!done.ok());
    lock.lock();
    if (!put_off_.empty()) time = std::min(time, Duration(kRetryPause));
    changed_.wait_for(lock, time, [&] { return !running_ || woken_; });
  }
}

bool EngineImpl::pause(std::unique_lock<std::mutex>& lock, Duration time) {
  stopping_.wait_for(lock, time, [&] { return !running_; });
  return running_;
}

void EngineImpl::keep() {
  auto next_beat = SteadyClock::now();
  bool lost = false;
  std::unique_lock lock(mutex_);
  while (running_) {
    lock.unlock();
    Result<void> done;
    if (lost) {
      done = nodes_.join(machine_, true);
      lost = !done.ok();
    } else if (SteadyClock::now() >= next_beat) {
      next_beat = SteadyClock::now() + options_.heartbeat;
      const Result<bool> alive = nodes_.beat();
      if (!alive.ok()) done = alive.error();
      if (alive.ok() && !*alive) {
        log::warning("workflow", "this node was taken for dead; it begins anew");
        machine_.forsake();
        lost = true;
      }
    }
    if (done.ok() && !lost) done = nodes_.take_over(machine_);
    if (!done.ok()) {
      log::warning("workflow", "the lease is not kept", {{"error", done.error().message}});
    }
    lock.lock();
    if (!pause(lock, lost ? Duration(kRetryPause) : Duration(kTakeOverPause))) return;
  }
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(db::Database::Handle handle, Options options) {
  return std::unique_ptr<Engine>(std::make_unique<EngineImpl>(handle, options));
}

std::vector<db::Migration> Engine::migrations() { return Store::migrations(); }

}  // namespace lazuli::workflow
