// SPDX-License-Identifier: Apache-2.0
// What the machine does between turns: effects, what is due, and whose runs are whose.
#include "base/strings.h"
#include "engines/workflow/machine.h"

namespace lazuli::workflow {
namespace {

constexpr size_t kDueMax = 64;  // told in one transaction
constexpr const char* kNobody = "-";

}  // namespace

// ---- effects --------------------------------------------------------------------------------

Result<void> Machine::perform(const Effect& effect) {
  return effect.kind == Effect::Kind::kBegin ? begin(effect) : cancel(effect);
}

Result<void> Machine::begin(const Effect& effect) {
  Attempt attempt;
  const ActorPtr actor = TRY(find_for_reading(effect.run_id));
  if (!actor) return {};
  {
    std::unique_lock lock(actor->mutex);
    const RunRecord& run = actor->run;
    if (effect.position >= run.steps.size()) return {};
    const StepRecord& record = run.steps[effect.position];
    if (is_built_in(run.step_of(record))) return {};
    if (record.status.attempt != effect.attempt || !is_active(record.status.state)) {
      lock.unlock();
      if (TRY(is_over(effect))) return {};
      return unavailable("The end of an attempt is not durable yet.");
    }
    attempt = {attempt_id(run.id, record.status.name, effect.attempt),
               run.id,
               run.step_of(record),
               effect.attempt,
               {}};
    for (const std::string& before : attempt.step.after) {
      attempt.results[before] = run.steps[run.graph->find(before).value()].status.result;
    }
  }
  const auto executor = executors_.find(attempt.step.kind);
  if (executor == executors_.end()) {
    return complete(attempt.id,
                    {State::kFailed,
                     {},
                     internal_error(cat({"This server has no executor for steps "
                                         "of kind '",
                                         attempt.step.kind, "'."}))},
                    {});
  }
  {
    std::lock_guard lock(mutex_);
    if (!begun_.emplace(attempt.id, attempt.step.kind).second) return {};
  }
  Result<void> begun = executor->second->start(attempt);
  if (begun.ok()) return {};
  {
    std::lock_guard lock(mutex_);
    begun_.erase(attempt.id);
  }
  return complete(attempt.id, {State::kFailed, {}, std::move(begun).error()}, {});
}

Result<void> Machine::cancel(const Effect& effect) {
  const ActorPtr actor = TRY(find_for_reading(effect.run_id));
  if (!actor) return {};
  std::string name, kind;
  {
    std::lock_guard lock(actor->mutex);
    if (effect.position >= actor->run.steps.size()) return {};
    const Step& step = (*actor->run.graph)[effect.position].step;
    name = step.name;
    kind = step.kind;
  }
  const std::string id = attempt_id(effect.run_id, name, effect.attempt);
  {
    std::lock_guard lock(mutex_);
    if (!cancelled_.insert(id).second) return {};
  }
  const auto executor = executors_.find(kind);
  if (executor != executors_.end()) executor->second->cancel(id);
  return {};
}

// ---- time -----------------------------------------------------------------------------------

Machine::Question Machine::due_question(uint32_t position) {
  return [position, at = parts_.clock()](const RunRecord& run) -> std::optional<Event> {
    if (is_terminal(run.state)) return std::nullopt;
    if (position == Timers::kRun) {
      const bool over = run.due != Timestamp{} && run.due <= at && !run.undoing;
      if (!over || run.cancel_requested) return std::nullopt;
      return Event{.kind = EventKind::kRunTimedOut, .at = at};
    }
    if (position >= run.steps.size()) return std::nullopt;
    return due_event(run, run.steps[position], at);
  };
}

Result<void> Machine::fire(const std::vector<Timers::Key>& due) {
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    for (const Timers::Key& key : due) TRY(turn(tx, key.run_id, due_question(key.position)));
    return {};
  });
}

Result<void> Machine::fire_due() {
  const Timestamp at = parts_.clock();
  const std::vector<Timers::Key> due = timers_.take(at, kDueMax);
  if (due.empty()) return {};
  Result<void> done = fire(due);
  if (done.ok() || due.size() == 1) {
    if (!done.ok()) timers_.set(due.front(), at);
    return done;
  }
  for (const Timers::Key& key : due) {  // one of them must not hold up the others
    const Result<void> single = fire({key});
    if (single.ok()) continue;
    done = single;
    timers_.set(key, at);
  }
  return done;
}

// ---- nodes ----------------------------------------------------------------------------------

void Machine::set_owner(const std::string& owner) {
  std::lock_guard lock(mutex_);
  owner_ = owner;
}

std::string Machine::owner() {
  std::lock_guard lock(mutex_);
  return owner_;
}

Result<void> Machine::resume() {
  const std::string owner = this->owner();
  const auto open =
      TRY(handle_.read([&](db::Reader& reader) { return Store::open_steps(reader, owner); }));
  const auto deadlines =
      TRY(handle_.read([&](db::Reader& reader) { return Store::open_deadlines(reader, owner); }));
  for (const auto& [run_id, due] : deadlines) timers_.set({run_id, Timers::kRun}, due);
  for (const Store::Open& step : open) {
    if (step.due != Timestamp{}) timers_.set({step.run_id, step.position}, step.due);
    if (!is_active(step.state)) continue;
    parts_.emit({Effect::Kind::kBegin, step.run_id, step.position, step.attempt});
    if (step.state == State::kRunning) continue;
    parts_.emit({Effect::Kind::kCancel, step.run_id, step.position, step.attempt});
  }
  parts_.timer_changed();
  return {};
}

Result<void> Machine::adopt(db::Tx& caller, const std::string& run_id, const std::string& from) {
  db::Tx& tx = handle_.join(caller);
  if (!TRY(Store::hand_over_run(tx, run_id, from, owner()))) return {};
  drop(run_id);
  const auto loaded = TRY(Store::load_run(tx, run_id));
  if (!loaded) return {};
  std::vector<std::pair<Timers::Key, Timestamp>> timers;
  timers.push_back({{run_id, Timers::kRun}, loaded->run.due});
  for (uint32_t i = 0; i < loaded->run.steps.size(); ++i) {
    timers.push_back({{run_id, i}, loaded->run.steps[i].due});
  }
  tx.after_commit([this, timers = std::move(timers)] {
    for (const auto& [key, due] : timers) timers_.set(key, due);
    parts_.timer_changed();
  });
  for (uint32_t i = 0; i < loaded->run.steps.size(); ++i) {
    const StepStatus& was = loaded->run.steps[i].status;
    if (!is_active(was.state)) continue;
    TRY(turn(caller, run_id, [&](const RunRecord& run) -> std::optional<Event> {
      if (run.steps[i].status.attempt != was.attempt) return std::nullopt;
      return lost_event(run, run.steps[i], parts_.clock());
    }));
  }
  return {};
}

void Machine::forsake() {
  std::unordered_map<std::string, std::string> begun;
  {
    std::lock_guard lock(mutex_);
    owner_ = kNobody;  // what they say from now on does not count
    actors_.clear();
    cached_steps_ = 0;
    cancelled_.clear();
    begun.swap(begun_);
  }
  timers_.clear();
  for (const auto& [id, kind] : begun) {
    const auto executor = executors_.find(kind);
    if (executor != executors_.end()) executor->second->cancel(id);
  }
}

Result<void> Machine::read_letters() {
  const std::string owner = this->owner();
  const auto letters =
      TRY(handle_.read([&](db::Reader& reader) { return Store::letters(reader, owner); }));
  for (const Store::Letter& letter : letters) {
    TRY(handle_.write([&](db::Tx& tx) -> Result<void> {
      const Answer answer = TRY(read(tx, letter));
      if (answer == Answer::kForeign) return {};
      return Store::remove_letter(tx, letter.id);
    }));
  }
  return {};
}

Result<bool> Machine::compact(Timestamp before) {
  const auto ids =
      TRY(handle_.read([&](db::Reader& reader) { return Store::ended_before(reader, before); }));
  for (const std::string& id : ids) {
    TRY(handle_.write([&](db::Tx& tx) { return Store::compact(tx, id); }));
  }
  return !ids.empty();
}

}  // namespace lazuli::workflow
