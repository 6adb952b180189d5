// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/machine.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "engines/workflow/model.h"

namespace lazuli::workflow {
namespace {

constexpr size_t kCachedStepsMax = 1'000'000;
constexpr size_t kIdMax = 1000;
constexpr int kTriesMax = 3;

const StepRecord* running(const RunRecord& run, const AttemptId& id) {
  const auto position = run.graph->find(id.step);
  if (!position) return nullptr;
  const StepRecord& record = run.steps[*position];
  const bool current = record.status.attempt == id.number && is_active(record.status.state);
  return current ? &record : nullptr;
}

// A child's id: its parent's attempt, spelt so that it can be a run's id.
std::string child_id(const std::string& run_id, const std::string& step, int attempt) {
  std::string id = cat({run_id, "~", step, "~", std::to_string(attempt)});
  std::replace(id.begin(), id.end(), '/', '~');
  return id;
}

Error replaced() { return unavailable("This server is being replaced; try again."); }

Error unknown_run(const std::string& run_id) {
  return not_found(cat({"No run with the id '", run_id, "'."}));
}

std::vector<uint32_t> changed_steps(const RunRecord& run, const std::vector<Event>& events) {
  std::vector<uint32_t> changed;
  std::unordered_set<uint32_t> seen;
  for (const Event& event : events) {
    if (event.step.empty() || event.kind == EventKind::kStepsAdded) continue;
    const uint32_t position = run.graph->find(event.step).value();
    if (seen.insert(position).second) changed.push_back(position);
  }
  return changed;
}

}  // namespace

Json Machine::end_letter(const Agenda::End& end) {
  return Json::object({{"step", end.attempt.step},
                       {"attempt", end.attempt.number},
                       {"state", to_string(end.outcome.state)},
                       {"result", end.outcome.result},
                       {"error", error_to_json(end.outcome.error)}});
}

// What another node left for a run of this one; kForeign where it is not.
Result<Machine::Answer> Machine::read(db::Tx& tx, const Store::Letter& letter) {
  const Timestamp at = parts_.clock();
  Agenda agenda;
  Answer answer = Answer::kNothing;
  if (letter.body.contains("attempt")) {
    const AttemptId id{letter.run_id, std::string(letter.body["step"].str()),
                       static_cast<int>(letter.body["attempt"].integer())};
    const Outcome outcome{parse_state(letter.body["state"].str()).value_or(State::kFailed),
                          letter.body["result"], error_from_json(letter.body["error"])};
    answer = TRY(complete(tx, id, outcome, {}, agenda));
  } else if (letter.body.contains("cancel")) {
    answer = TRY(turn(
        tx, letter.run_id, [at](const RunRecord& run) { return cancel_event(run, at); }, agenda));
  } else {
    const std::string name(letter.body["signal"].str());
    answer = TRY(turn(
        tx, letter.run_id,
        [&](const RunRecord& run) { return signal_event(run, name, letter.body["payload"], at); },
        agenda));
  }
  TRY(work_off(tx, agenda));
  return answer;
}

// ---- messages -------------------------------------------------------------------------------

Result<void> Machine::submit(db::Tx& caller, const std::string& run_id,
                             const Definition& definition) {
  if (run_id.empty() || run_id.size() > kIdMax || run_id.find('/') != std::string::npos) {
    return invalid_argument(cat({"'", run_id, "' cannot be a run's id."}));
  }
  Agenda agenda;
  TRY(insert(caller, run_id, definition, "", agenda));
  return work_off(caller, agenda);
}

Result<void> Machine::insert(db::Tx& caller, const std::string& run_id,
                             const Definition& definition, const std::string& parent,
                             Agenda& agenda) {
  TRY(check_definition(definition));
  for (const Step& step : definition.steps) {
    const bool undoable = !step.compensation || executors_.contains(step.compensation->kind);
    if ((executors_.contains(step.kind) || is_built_in(step)) && undoable) continue;
    return invalid_argument(cat(
        {"No executor for steps of kind '", undoable ? step.kind : step.compensation->kind, "'."}));
  }
  db::Tx& tx = handle_.join(caller);
  if (parts_.may_own && !TRY(parts_.may_own(tx))) return replaced();
  auto actor = std::make_shared<Actor>();
  RunRecord& run = actor->run;
  run = fresh_run(run_id, definition);
  run.parent = parent;
  const Timestamp at = parts_.clock();
  run.created = at;
  TRY(Store::insert_run(tx, run, definition, owner()));
  std::vector<Event> events = play(run, {.kind = EventKind::kSubmitted, .at = at});
  TRY(reuse(tx, run, events));
  if (!TRY(Store::save_run(tx, run, 0, owner()))) return replaced();
  TRY(write(caller, run, events, agenda));
  keep(actor);
  return {};
}

Result<void> Machine::cancel(db::Tx& caller, const std::string& run_id) {
  const Timestamp at = parts_.clock();
  const Answer answer =
      TRY(turn(caller, run_id, [at](const RunRecord& run) { return cancel_event(run, at); }));
  if (answer == Answer::kUnknown) return unknown_run(run_id);
  if (answer != Answer::kForeign) return {};
  return Store::post(handle_.join(caller), run_id, Json::object({{"cancel", true}}));
}

Result<void> Machine::signal(db::Tx& caller, const std::string& run_id, const std::string& name,
                             const Json& payload) {
  const Timestamp at = parts_.clock();
  const Answer answer = TRY(turn(
      caller, run_id, [&](const RunRecord& run) { return signal_event(run, name, payload, at); }));
  if (answer == Answer::kUnknown) return unknown_run(run_id);
  if (answer == Answer::kNothing) {
    return conflict(cat({"The run '", run_id, "' has ended and takes no signals."}), "RunEnded");
  }
  if (answer != Answer::kForeign) return {};
  return Store::post(handle_.join(caller), run_id,
                     Json::object({{"signal", name}, {"payload", payload}}));
}

Result<void> Machine::forget(db::Tx& caller, const std::string& run_id) {
  db::Tx& tx = handle_.join(caller);
  const auto loaded = TRY(Store::load_run(tx, run_id));
  if (!loaded) return {};
  if (!is_terminal(loaded->run.state)) {
    return conflict(cat({"The run '", run_id, "' has not ended."}), "RunNotEnded");
  }
  drop(run_id);
  return Store::remove_run(tx, run_id);
}

Result<void> Machine::complete(const std::string& attempt_id, const Outcome& outcome,
                               const Publish& publish) {
  if (!is_terminal(outcome.state)) {
    return invalid_argument("An attempt can only end as succeeded, failed or canceled.");
  }
  const auto id = parse_attempt_id(attempt_id);
  if (!id) return {};
  return handle_.write([&](db::Tx& tx) -> Result<void> {
    Agenda agenda;
    const Answer answer = TRY(complete(tx, *id, outcome, publish, agenda));
    if (answer != Answer::kDone) {
      log::info("workflow", "an end that does not count", {{"attempt", attempt_id}});
    }
    return work_off(tx, agenda);
  });
}

Result<Machine::Answer> Machine::complete(db::Tx& caller, const AttemptId& id,
                                          const Outcome& outcome, const Publish& publish,
                                          Agenda& agenda) {
  const Timestamp at = parts_.clock();
  bool succeeded = false;
  const Answer answer = TRY(turn(
      caller, id.run_id,
      [&](const RunRecord& run) -> std::optional<Event> {
        const StepRecord* record = running(run, id);
        if (record == nullptr) return std::nullopt;
        Event event = ended(run, *record, outcome, at);
        succeeded = event.outcome.state == State::kSucceeded;
        return event;
      },
      agenda));
  if (answer == Answer::kDone && succeeded && publish) TRY(publish(caller));
  return answer;
}

Result<RunStatus> Machine::status(const std::string& run_id) {
  return handle_.read([&](db::Reader& reader) -> Result<RunStatus> {
    auto loaded = TRY(Store::load_run(reader, run_id));
    if (!loaded) return unknown_run(run_id);
    RunRecord& run = loaded->run;
    RunStatus status{run_id, run.state, run.error, {}, {}};
    const std::string& result = run.graph->settings().result_step;
    if (run.state == State::kSucceeded && !result.empty()) {
      status.result = run.find(result)->status.result;
    }
    for (StepRecord& record : run.steps) status.steps.push_back(std::move(record.status));
    return status;
  });
}

// ---- turns ----------------------------------------------------------------------------------

Result<Machine::Answer> Machine::turn(db::Tx& caller, const std::string& run_id,
                                      const Question& question) {
  Agenda agenda;
  const Answer answer = TRY(turn(caller, run_id, question, agenda));
  TRY(work_off(caller, agenda));
  return answer;
}

Result<Machine::Answer> Machine::turn(db::Tx& caller, const std::string& run_id,
                                      const Question& question, Agenda& agenda) {
  db::Tx& tx = handle_.join(caller);
  for (int tries = 0; tries < kTriesMax; ++tries) {
    bool loaded = false;
    const ActorPtr actor = TRY(find(tx, run_id, loaded));
    if (!actor) return loaded ? Answer::kForeign : Answer::kUnknown;
    std::lock_guard lock(actor->mutex);
    RunRecord& run = actor->run;
    std::optional<Event> first = question(run);
    if (!first) {
      if (loaded || TRY(Store::seq_of(tx, run_id)) == run.seq) return Answer::kNothing;
      drop(run_id);
      continue;
    }
    const int64_t before = run.seq;
    std::vector<Event> events = play(run, std::move(*first));
    TRY(reuse(tx, run, events));
    if (!TRY(Store::save_run(tx, run, before, owner()))) {
      drop(run_id);
      continue;
    }
    TRY(write(caller, run, events, agenda));
    return Answer::kDone;
  }
  return unavailable(cat({"The run '", run_id, "' changes hands; try again."}));
}

// What follows in other runs: children that begin, are canceled, or tell their parents their end.
Result<void> Machine::work_off(db::Tx& caller, Agenda& agenda) {
  while (!agenda.empty()) {
    if (!agenda.submit.empty()) {
      const Agenda::Child child = std::move(agenda.submit.front());
      agenda.submit.pop_front();
      Result<void> made = child.run_id.size() > kIdMax
                              ? invalid_argument("Runs are nested too deeply.")
                              : check_definition(definition_from_json(child.definition));
      if (made.ok()) {
        TRY(insert(caller, child.run_id, definition_from_json(child.definition), child.parent,
                   agenda));
        continue;
      }
      agenda.complete.push_back(
          {parse_attempt_id(child.parent).value(), {State::kFailed, {}, made.error(), false}});
    } else if (!agenda.cancel.empty()) {
      const std::string run_id = std::move(agenda.cancel.front());
      agenda.cancel.pop_front();
      const Timestamp at = parts_.clock();
      const Answer answer = TRY(turn(
          caller, run_id, [at](const RunRecord& run) { return cancel_event(run, at); }, agenda));
      if (answer != Answer::kForeign) continue;
      TRY(Store::post(handle_.join(caller), run_id, Json::object({{"cancel", true}})));
    } else {
      const Agenda::End end = std::move(agenda.complete.front());
      agenda.complete.pop_front();
      const Answer answer = TRY(complete(caller, end.attempt, end.outcome, {}, agenda));
      if (answer != Answer::kForeign) continue;  // while they change hands one by one
      TRY(Store::post(handle_.join(caller), end.attempt.run_id, end_letter(end)));
    }
  }
  return {};
}

// Steps that begin although their result is known end at once.
Result<void> Machine::reuse(db::Tx& tx, RunRecord& run, std::vector<Event>& events) {
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i].kind != EventKind::kScheduled) continue;
    const StepRecord& record = *run.find(events[i].step);
    const std::string& key = run.step_of(record).reuse_key;
    if (key.empty() || record.status.state != State::kRunning) continue;
    auto known = TRY(Store::reusable(tx, key));
    if (!known) continue;
    Event event{EventKind::kStepEnded,
                record.status.name,
                record.status.attempt,
                {State::kSucceeded, std::move(known->result), {}},
                events[i].at};
    event.body = Json::object({{"reusedFrom", known->from}});
    for (Event& next : play(run, std::move(event))) events.push_back(std::move(next));
  }
  return {};
}

Result<void> Machine::write(db::Tx& caller, RunRecord& run, const std::vector<Event>& events,
                            Agenda& agenda) {
  db::Tx& tx = handle_.join(caller);
  const std::vector<uint32_t> changed = changed_steps(run, events);
  TRY(Store::append(tx, run, events));
  TRY(Store::save_steps(tx, run, changed));
  TRY(write_parts(tx, run, events));
  TRY(tell_observer(caller, run, changed, events));
  plan_effects(tx, run, changed, events, agenda);
  return {};
}

Result<void> Machine::write_parts(db::Tx& tx, const RunRecord& run,
                                  const std::vector<Event>& events) {
  int64_t seq = run.seq - static_cast<int64_t>(events.size());
  for (const Event& event : events) {
    ++seq;
    if (event.kind == EventKind::kStepsAdded || event.kind == EventKind::kUndoing) {
      TRY(Store::add_growth(tx, run.id, seq, event));
    } else if (event.kind == EventKind::kSignalled) {
      const Signal signal{seq, std::string(event.body["name"].str()), event.body["payload"]};
      TRY(Store::add_signal(tx, run.id, signal));
    } else if (event.kind == EventKind::kStepEnded) {
      if (const Json* signal = event.body.find("signal")) {
        TRY(Store::remove_signal(tx, run.id, signal->integer()));
      }
      const Step& step = (*run.graph)[run.graph->find(event.step).value()].step;
      const bool made =
          event.outcome.state == State::kSucceeded && !event.body.contains("reusedFrom");
      if (made && !step.reuse_key.empty()) {
        TRY(Store::offer(tx, step.reuse_key, cat({run.id, "/", step.name}), event.outcome.result));
      }
    }
  }
  return {};
}

// Of two prefixes of one id the longer sorts behind the shorter, so the first match is the longest.
Observer* Machine::observer_of(const std::string& run_id) const {
  for (const auto& [prefix, observer] : observers_) {
    if (run_id.starts_with(prefix)) return observer;
  }
  return nullptr;
}

Result<void> Machine::tell_observer(db::Tx& caller, const RunRecord& run,
                                    const std::vector<uint32_t>& changed,
                                    const std::vector<Event>& events) {
  Observer* observer = observer_of(run.id);
  if (observer == nullptr) return {};
  for (const uint32_t position : changed) {
    TRY(observer->on_step(caller, run.id, run.steps[position].status));
  }
  const bool told = std::any_of(events.begin(), events.end(), [](const Event& event) {
    return event.step.empty() && event.kind != EventKind::kSignalled;
  });
  if (!told) return {};
  RunStatus status{run.id, run.state, run.error, {}, {}};
  for (const StepRecord& record : run.steps) status.steps.push_back(record.status);
  if (events.back().kind == EventKind::kRunEnded) status.result = events.back().outcome.result;
  return observer->on_run(caller, status);
}

void Machine::plan_effects(db::Tx& tx, const RunRecord& run, const std::vector<uint32_t>& changed,
                           const std::vector<Event>& events, Agenda& agenda) {
  std::vector<Effect> effects;
  std::vector<std::pair<Timers::Key, Timestamp>> timers;
  std::vector<std::string> over;
  for (const Event& event : events) {
    if (event.step.empty()) {
      if (event.kind != EventKind::kSignalled) timers.push_back({{run.id, Timers::kRun}, run.due});
      if (event.kind != EventKind::kRunEnded || run.parent.empty()) continue;
      agenda.complete.push_back({parse_attempt_id(run.parent).value(), event.outcome});
      continue;
    }
    const uint32_t position = run.graph->find(event.step).value();
    const StepStatus& status = run.steps[position].status;
    const Step& step = (*run.graph)[position].step;
    switch (event.kind) {
      case EventKind::kScheduled:
        if (status.attempt != event.attempt || !is_active(status.state)) break;
        if (step.kind == kChild) {
          agenda.submit.push_back({child_id(run.id, step.name, event.attempt), step.params,
                                   attempt_id(run.id, step.name, event.attempt)});
        } else if (!is_built_in(step)) {
          effects.push_back({Effect::Kind::kBegin, run.id, position, event.attempt});
        }
        break;
      case EventKind::kStepCancelRequested:
      case EventKind::kStepTimedOut:
        if (step.kind == kChild) {
          agenda.cancel.push_back(child_id(run.id, step.name, event.attempt));
        } else if (!is_built_in(step)) {
          effects.push_back({Effect::Kind::kCancel, run.id, position, event.attempt});
        }
        break;
      case EventKind::kStepEnded:
      case EventKind::kAttemptFailed:
      case EventKind::kAttemptLost:
        over.push_back(attempt_id(run.id, step.name, event.attempt));
        break;
      default:
        break;
    }
  }
  for (const uint32_t position : changed) {
    timers.push_back({{run.id, position}, run.steps[position].due});
  }
  tx.after_commit([this, effects = std::move(effects), timers = std::move(timers),
                   over = std::move(over), id = run.id, ended = is_terminal(run.state)] {
    for (const auto& [key, due] : timers) timers_.set(key, due);
    {
      std::lock_guard lock(mutex_);
      for (const std::string& attempt : over) {
        begun_.erase(attempt);
        cancelled_.erase(attempt);
      }
    }
    if (ended) drop(id);
    for (const Effect& effect : effects) parts_.emit(effect);
    if (!timers.empty()) parts_.timer_changed();
  });
}

// ---- runs in memory -------------------------------------------------------------------------

ActorPtr Machine::cached(const std::string& run_id) {
  std::lock_guard lock(mutex_);
  const auto found = actors_.find(run_id);
  return found == actors_.end() ? nullptr : found->second;
}

void Machine::keep(const ActorPtr& actor) {
  std::lock_guard lock(mutex_);
  const size_t steps = actor->run.steps.size();
  if (const auto found = actors_.find(actor->run.id); found != actors_.end()) {
    cached_steps_ -= std::min(cached_steps_, found->second->run.steps.size());
  }
  if (cached_steps_ + steps > kCachedStepsMax) {  // they come back as they are needed
    actors_.clear();
    cached_steps_ = 0;
  }
  cached_steps_ += steps;
  actors_[actor->run.id] = actor;
}

void Machine::drop(const std::string& run_id) {
  std::lock_guard lock(mutex_);
  const auto found = actors_.find(run_id);
  if (found == actors_.end()) return;
  cached_steps_ -= std::min(cached_steps_, found->second->run.steps.size());
  actors_.erase(found);
}

// Null with `loaded`: another node's. Null without: unknown.
Result<ActorPtr> Machine::find(db::Tx& tx, const std::string& run_id, bool& loaded) {
  if (ActorPtr actor = cached(run_id)) return actor;
  auto found = TRY(Store::load_run(tx, run_id));
  loaded = found.has_value();
  if (!found) return ActorPtr();
  if (found->owner != owner() && !is_terminal(found->run.state)) return ActorPtr();
  auto actor = std::make_shared<Actor>();
  actor->run = std::move(found->run);
  if (!is_terminal(actor->run.state)) keep(actor);
  return actor;
}

// What is kept here may be old when a turn finds it, and then it is loaded again.
Result<ActorPtr> Machine::find_for_reading(const std::string& run_id) {
  if (ActorPtr actor = cached(run_id)) return actor;
  auto found =
      TRY(handle_.read([&](db::Reader& reader) { return Store::load_run(reader, run_id); }));
  if (!found) return ActorPtr();
  auto actor = std::make_shared<Actor>();
  actor->run = std::move(found->run);
  const bool mine = found->owner == owner() && !is_terminal(actor->run.state);
  if (mine && !cached(run_id)) keep(actor);
  return actor;
}

// Whether the database, too, says that an attempt has ended.
Result<bool> Machine::is_over(const Effect& effect) {
  const auto loaded =
      TRY(handle_.read([&](db::Reader& reader) { return Store::load_run(reader, effect.run_id); }));
  if (!loaded || effect.position >= loaded->run.steps.size()) return true;
  const StepStatus& status = loaded->run.steps[effect.position].status;
  return status.attempt != effect.attempt || !is_active(status.state);
}

}  // namespace lazuli::workflow
