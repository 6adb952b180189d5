// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/decide.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/strings.h"
#include "engines/workflow/model.h"

namespace lazuli::workflow {
namespace {

constexpr std::array<std::string_view, 16> kEventNames = {
    "Submitted",    "Scheduled",       "AttemptFailed",
    "StepEnded",    "StepSkipped",     "StepCancelRequested",
    "StepTimedOut", "CancelRequested", "RunEnded",
    "AttemptLost",  "StepsAdded",      "Signalled",
    "RunTimedOut",  "Undoing",         "StepCanceled",
    "RetryDue"};
constexpr Duration kAbandonAfter = std::chrono::minutes(1);  // well beyond any executor's grace
constexpr int kLossesMax = 8;  // a step that takes its node down with it is not passed on for ever

bool accepts(const Ends& ends, const StepStatus& status) {
  if (status.state == State::kSucceeded) return ends.succeeded;
  if (status.state == State::kFailed) return ends.failed;
  return status.skipped ? ends.skipped : ends.canceled;
}

Error timeout_error(const Step& step) {
  return deadline_exceeded(cat({"Step '", step.name, "' timed out: it did not end within ",
                                format_iso8601_duration(step.timeout), " and was stopped."}),
                           "JobTimedOut");
}

Error run_timeout_error(const RunRecord& run) {
  return deadline_exceeded(
      cat({"The run did not end within ", format_iso8601_duration(run.graph->settings().timeout),
           " and was stopped."}),
      "JobTimedOut");
}

Duration pause_before_retry(const Backoff& backoff, int failures) {
  const double first = static_cast<double>(backoff.first.count());
  const double pause = first * std::pow(backoff.factor, failures);
  return Duration(static_cast<int64_t>(std::min(pause, static_cast<double>(backoff.most.count()))));
}

uint32_t position_of(const RunRecord& run, const Event& event) {
  const auto position = run.graph->find(event.step);
  CHECK(position.has_value());
  return *position;
}

// A branch that was not taken is no reason to call the run canceled; one that was cut off is.
bool was_cut_off(const StepStatus& status) {
  return status.state == State::kCanceled && !status.skipped;
}

// Whether no further step may start and running ones shall end.
bool must_stop(const RunRecord& run) {
  if (run.undoing) return false;
  if (run.cancel_requested || run.timed_out) return true;
  return !run.graph->settings().continue_on_failure && (run.failed > 0 || run.canceled > 0);
}

void count_end(RunRecord& run, uint32_t position) {
  const StepRecord& record = run.steps[position];
  const Graph::Node& node = (*run.graph)[position];
  --run.open;
  if (record.status.state == State::kFailed && !node.handled) ++run.failed;
  if (was_cut_off(record.status)) ++run.canceled;
  for (const Graph::Edge& edge : node.next) {
    StepRecord& next = run.steps[edge.to];
    --next.open;
    ++(accepts(edge.accept, record.status) ? next.accepted : next.refused);
    run.touched.push_back(edge.to);
  }
}

void leave_lane(RunRecord& run, uint32_t position) {
  const std::string& lane = (*run.graph)[position].step.lane;
  if (lane.empty()) return;
  --run.lanes[lane].busy;
}

void stop_waiting(RunRecord& run, uint32_t position) {
  const Step& step = (*run.graph)[position].step;
  if (step.kind != kSignal) return;
  std::erase(run.waiting[std::string(step.params["name"].str())], position);
}

// Adds steps to records and counts.
void grow(RunRecord& run, size_t from) {
  for (size_t i = from; i < run.graph->size(); ++i) {
    StepRecord record;
    record.status.name = (*run.graph)[i].step.name;
    run.steps.push_back(std::move(record));
    ++run.open;
    run.touched.push_back(static_cast<uint32_t>(i));
  }
  for (size_t i = from; i < run.graph->size(); ++i) run.steps[i].open = (*run.graph)[i].before;
  for (size_t i = 0; i < from; ++i) {
    const StepRecord& record = run.steps[i];
    const bool over = is_terminal(record.status.state);
    for (const Graph::Edge& edge : (*run.graph)[i].next) {
      StepRecord& next = run.steps[edge.to];
      if (edge.to < from || !over) continue;
      --next.open;
      ++(accepts(edge.accept, record.status) ? next.accepted : next.refused);
    }
  }
}

// Steps that were there before wait for the new ones as well.
void add_steps(RunRecord& run, const Event& event) {
  const size_t from = run.graph->size();
  const uint32_t by = position_of(run, event);
  run.graph = std::make_shared<Graph>(*run.graph);
  run.graph->add_more(by, steps_from_json(event.body));
  grow(run, from);
  for (size_t i = from; i < run.graph->size(); ++i) {
    for (const Graph::Edge& edge : (*run.graph)[i].next) {
      if (edge.to < from) ++run.steps[edge.to].open;
    }
  }
}

void begin_undo(RunRecord& run, const Event& event) {
  std::vector<std::string> undone;
  for (const Json& name : event.body["undo"].items()) undone.emplace_back(name.str());
  const size_t from = run.graph->size();
  run.graph = std::make_shared<Graph>(*run.graph);
  run.graph->add_undo(undone);
  run.undoing = parse_state(event.body["state"].str()).value_or(State::kFailed);
  run.stopped = false;  // compensations may be tried again
  grow(run, from);
}

void apply_to_run(RunRecord& run, const Event& event) {
  switch (event.kind) {
    case EventKind::kSubmitted:
      run.state = State::kRunning;
      run.created = event.at;
      run.due = event.due;
      for (uint32_t i = 0; i < run.steps.size(); ++i) run.touched.push_back(i);
      break;
    case EventKind::kCancelRequested:
      run.state = State::kCancelRequested;
      run.cancel_requested = true;
      break;
    case EventKind::kRunTimedOut:
      run.state = State::kCancelRequested;
      run.timed_out = true;
      run.due = Timestamp{};
      if (!run.error) run.error = run_timeout_error(run);
      break;
    case EventKind::kSignalled:
      run.signals.push_back(
          {run.seq, std::string(event.body["name"].str()), event.body["payload"]});
      break;
    case EventKind::kUndoing:
      begin_undo(run, event);
      break;
    case EventKind::kRunEnded:
      run.state = event.outcome.state;
      run.ended = event.at;
      run.due = Timestamp{};
      break;
    default:
      CHECK(false);
  }
}

void schedule(RunRecord& run, uint32_t position, const Event& event) {
  StepRecord& record = run.steps[position];
  const Step& step = (*run.graph)[position].step;
  record.status.state = State::kRunning;
  record.status.attempt = event.attempt;
  if (record.status.started == Timestamp{}) record.status.started = event.at;
  record.timed_out = false;
  if (!step.lane.empty()) ++run.lanes[step.lane].busy;
  if (step.kind == kSignal) {
    run.waiting[std::string(step.params["name"].str())].push_back(position);
  }
}

void end_step(RunRecord& run, uint32_t position, const Event& event) {
  StepRecord& record = run.steps[position];
  StepStatus& step = record.status;
  if (is_active(step.state)) {
    leave_lane(run, position);
    stop_waiting(run, position);
  }
  if (event.kind == EventKind::kStepSkipped || event.kind == EventKind::kStepCanceled) {
    step.state = State::kCanceled;
    step.skipped = event.kind == EventKind::kStepSkipped;
  } else {
    step.state = event.outcome.state;
    step.result = event.outcome.result;
    step.error = event.outcome.error;
    step.reused_from = std::string(event.body["reusedFrom"].str());
    const int64_t signal = event.body["signal"].integer(-1);
    std::erase_if(run.signals, [&](const Signal& each) { return each.seq == signal; });
  }
  step.ended = event.at;
  if (step.state == State::kFailed && !run.error && !(*run.graph)[position].handled) {
    run.error = step.error;
  }
  count_end(run, position);
}

// ---- what follows -----------------------------------------------------------------------------

class Play {
 public:
  Play(RunRecord& run, Timestamp at) : run_(run), at_(at) {}

  void emit(Event event) {
    apply(run_, event);
    events_.push_back(std::move(event));
  }
  std::vector<Event> settle() {
    while (step()) {
    }
    return std::move(events_);
  }

 private:
  // Whether anything happened.
  bool step() {
    if (is_terminal(run_.state)) return false;
    const size_t before = events_.size();
    if (!run_.stopped && must_stop(run_)) stop();
    std::vector<uint32_t> touched;
    touched.swap(run_.touched);
    for (const uint32_t position : touched) consider(position);
    for (auto& [name, lane] : run_.lanes) fill(lane);
    if (!run_.signals.empty()) deliver();
    if (run_.open == 0) end();
    return events_.size() != before || !run_.touched.empty();
  }

  void stop() {
    run_.stopped = true;
    for (uint32_t i = 0; i < run_.steps.size(); ++i) {
      const StepStatus& status = run_.steps[i].status;
      if (status.state == State::kNotStarted) skip(i, EventKind::kStepCanceled);
      if (status.state != State::kRunning) continue;
      if (is_waited_for_by_engine(i)) {
        emit({EventKind::kStepEnded, status.name, status.attempt, {State::kCanceled, {}, {}}, at_});
      } else {
        emit({EventKind::kStepCancelRequested, status.name, status.attempt, {}, at_});
      }
    }
    for (auto& [name, lane] : run_.lanes) lane.waiting.clear();
  }

  bool is_waited_for_by_engine(uint32_t position) const {
    const std::string& kind = (*run_.graph)[position].step.kind;
    return kind == kWait || kind == kSignal;
  }

  void skip(uint32_t position, EventKind how) {
    const StepStatus& status = run_.steps[position].status;
    emit({how, status.name, status.attempt, {}, at_});
  }

  void consider(uint32_t position) {
    StepRecord& record = run_.steps[position];
    const Step& step = (*run_.graph)[position].step;
    if (record.status.state != State::kNotStarted || record.due != Timestamp{}) return;
    if (run_.stopped) return skip(position, EventKind::kStepCanceled);  // it was added since
    const bool all = step.need == Need::kAll;
    if (all ? record.refused > 0 : record.open == 0 && record.accepted == 0 && record.refused > 0) {
      return skip(position, EventKind::kStepSkipped);
    }
    if (record.open > 0) return;
    if (step.lane.empty()) return begin(position);
    Lane& lane = run_.lanes[step.lane];
    if (std::find(lane.waiting.begin(), lane.waiting.end(), position) == lane.waiting.end()) {
      lane.waiting.push_back(position);
    }
  }

  void fill(Lane& lane) {
    while (lane.busy < lane.max && !lane.waiting.empty()) {
      const uint32_t position = lane.waiting.front();
      lane.waiting.pop_front();
      const StepRecord& record = run_.steps[position];
      if (record.status.state == State::kNotStarted) begin(position);
    }
  }

  void begin(uint32_t position) {
    const Step& step = (*run_.graph)[position].step;
    const StepStatus& status = run_.steps[position].status;
    Event event{EventKind::kScheduled, status.name, status.attempt + 1, {}, at_};
    if (step.timeout.count() > 0) event.due = at_ + step.timeout;
    if (step.kind == kWait) event.due = at_ + Duration(step.params["us"].integer());
    emit(std::move(event));
  }

  void deliver() {
    const std::deque<Signal> signals = run_.signals;
    for (const Signal& signal : signals) {
      const auto waiting = run_.waiting.find(signal.name);
      if (waiting == run_.waiting.end() || waiting->second.empty()) continue;
      const StepStatus& status = run_.steps[waiting->second.front()].status;
      Event event{EventKind::kStepEnded,
                  status.name,
                  status.attempt,
                  {State::kSucceeded, signal.payload, {}},
                  at_};
      event.body = Json::object({{"signal", signal.seq}});
      emit(std::move(event));
    }
  }

  State verdict() const {
    if (run_.failed == 0 && run_.canceled == 0 && !run_.timed_out) return State::kSucceeded;
    if (run_.timed_out) return State::kFailed;
    return run_.cancel_requested || run_.failed == 0 ? State::kCanceled : State::kFailed;
  }

  void end() {
    State state = run_.undoing ? *run_.undoing : verdict();
    if (!run_.undoing && state != State::kSucceeded && undo(state)) return;
    if (run_.undoing && undo_failed()) state = State::kFailed;
    Event event{EventKind::kRunEnded, {}, 0, {}, at_};
    event.outcome.state = state;
    if (state == State::kFailed) event.outcome.error = run_.error;
    if (state == State::kSucceeded && !run_.graph->settings().result_step.empty()) {
      event.outcome.result = run_.find(run_.graph->settings().result_step)->status.result;
    }
    emit(std::move(event));
  }

  bool undo_failed() const {
    for (size_t i = run_.steps.size(); i-- > 0 && (*run_.graph)[i].undoes;) {
      if (run_.steps[i].status.state == State::kFailed) return true;
    }
    return false;
  }

  // The steps to undo, the last one to end first.
  bool undo(State state) {
    std::vector<uint32_t> done;
    for (uint32_t i = 0; i < run_.steps.size(); ++i) {
      const bool made = run_.steps[i].status.state == State::kSucceeded;
      if (made && (*run_.graph)[i].step.compensation) done.push_back(i);
    }
    if (done.empty()) return false;
    const auto rank = [&](uint32_t i) {
      return std::tuple(run_.steps[i].status.ended, (*run_.graph)[i].depth, i);
    };
    std::sort(done.begin(), done.end(), [&](uint32_t a, uint32_t b) { return rank(a) > rank(b); });
    Json names = Json::array();
    for (const uint32_t i : done) names.push_back(run_.steps[i].status.name);
    Event event{EventKind::kUndoing, {}, 0, {}, at_};
    event.body = Json::object({{"undo", std::move(names)}, {"state", to_string(state)}});
    emit(std::move(event));
    return true;
  }

  RunRecord& run_;
  const Timestamp at_;
  std::vector<Event> events_;
};

}  // namespace

bool is_active(State state) { return state == State::kRunning || state == State::kCancelRequested; }

std::string_view to_string(EventKind kind) { return kEventNames[static_cast<size_t>(kind)]; }

std::optional<EventKind> parse_event_kind(std::string_view text) {
  const auto found = std::find(kEventNames.begin(), kEventNames.end(), text);
  if (found == kEventNames.end()) return std::nullopt;
  return static_cast<EventKind>(found - kEventNames.begin());
}

StepRecord* RunRecord::find(std::string_view step) {
  const auto position = graph->find(step);
  return position ? &steps[*position] : nullptr;
}

const Step& RunRecord::step_of(const StepRecord& record) const {
  return (*graph)[static_cast<size_t>(&record - steps.data())].step;
}

RunRecord fresh_run(const std::string& id, const Definition& definition) {
  RunRecord run;
  run.id = id;
  run.graph = std::make_shared<Graph>(definition);
  for (size_t i = 0; i < run.graph->size(); ++i) {
    run.steps.push_back({.status = {.name = (*run.graph)[i].step.name}});
  }
  recount(run);
  return run;
}

void recount(RunRecord& run) {
  run.open = run.failed = run.canceled = 0;
  run.touched.clear();
  run.waiting.clear();
  run.lanes.clear();
  for (const auto& [name, max] : run.graph->settings().lanes) run.lanes[name].max = max;
  for (StepRecord& record : run.steps) record.open = record.accepted = record.refused = 0;
  for (uint32_t i = 0; i < run.steps.size(); ++i) {
    const StepStatus& status = run.steps[i].status;
    const bool over = is_terminal(status.state);
    for (const Graph::Edge& edge : (*run.graph)[i].next) {
      StepRecord& next = run.steps[edge.to];
      ++(!over ? next.open : accepts(edge.accept, status) ? next.accepted : next.refused);
    }
  }
  for (uint32_t i = 0; i < run.steps.size(); ++i) {
    const StepRecord& record = run.steps[i];
    const Graph::Node& node = (*run.graph)[i];
    const State state = record.status.state;
    if (!is_terminal(state)) ++run.open;
    if (state == State::kFailed && !node.handled) ++run.failed;
    if (was_cut_off(record.status)) ++run.canceled;
    if (is_active(state) && !node.step.lane.empty()) ++run.lanes[node.step.lane].busy;
    if (is_active(state) && node.step.kind == kSignal) {
      run.waiting[std::string(node.step.params["name"].str())].push_back(i);
    }
    const bool ready = state == State::kNotStarted && record.open == 0 && record.due == Timestamp{};
    if (ready && !node.step.lane.empty()) run.lanes[node.step.lane].waiting.push_back(i);
  }
  run.stopped = must_stop(run);  // which happens in the turn that gives the reason
}

void apply(RunRecord& run, const Event& event) {
  ++run.seq;
  if (event.step.empty()) return apply_to_run(run, event);
  const uint32_t position = position_of(run, event);
  if (event.kind == EventKind::kStepsAdded) return add_steps(run, event);
  StepRecord& record = run.steps[position];
  record.due = event.due;
  switch (event.kind) {
    case EventKind::kScheduled:
      return schedule(run, position, event);
    case EventKind::kAttemptFailed:
    case EventKind::kAttemptLost:
      leave_lane(run, position);
      stop_waiting(run, position);
      record.status.state = State::kNotStarted;
      record.failures += event.kind == EventKind::kAttemptFailed ? 1 : 0;
      run.touched.push_back(position);
      return;
    case EventKind::kRetryDue:
      run.touched.push_back(position);
      return;
    case EventKind::kStepEnded:
    case EventKind::kStepSkipped:
    case EventKind::kStepCanceled:
      return end_step(run, position, event);
    case EventKind::kStepTimedOut:
      record.timed_out = true;
      record.status.state = State::kCancelRequested;
      return;
    case EventKind::kStepCancelRequested:
      record.status.state = State::kCancelRequested;
      return;
    default:
      CHECK(false);
  }
}

std::vector<Event> play(RunRecord& run, Event first) {
  Play play(run, first.at);
  if (first.kind == EventKind::kSubmitted && run.graph->settings().timeout.count() > 0) {
    first.due = first.at + run.graph->settings().timeout;
  }
  if (first.kind == EventKind::kStepEnded && !first.outcome.more.empty()) {
    Event added{EventKind::kStepsAdded, first.step, first.attempt, {}, first.at};
    added.body = steps_to_json(first.outcome.more);
    first.outcome.more.clear();
    play.emit(std::move(added));
  }
  play.emit(std::move(first));
  return play.settle();
}

Event ended(const RunRecord& run, const StepRecord& record, Outcome outcome, Timestamp at) {
  CHECK(is_terminal(outcome.state));
  CHECK(is_active(record.status.state));
  const Step& step = run.step_of(record);
  if (outcome.state == State::kSucceeded && !outcome.more.empty()) {
    const auto over = [&](uint32_t i) { return is_terminal(run.steps[i].status.state); };
    const auto position = static_cast<uint32_t>(&record - run.steps.data());
    const Result<void> fine = run.graph->check_more(position, outcome.more, over);
    if (!fine.ok()) outcome = {State::kFailed, {}, fine.error(), false};
  }
  if (outcome.state != State::kSucceeded) outcome.more.clear();
  if (record.timed_out && outcome.state != State::kSucceeded) {
    outcome.state = State::kFailed;
    outcome.error = timeout_error(step);
  }
  if (outcome.state == State::kFailed && !outcome.error) {
    outcome.error = internal_error(cat({"Step '", step.name, "' failed without saying why."}));
  }
  const bool asked_to_end =
      run.stopped || (record.status.state == State::kCancelRequested && !record.timed_out);
  const bool again = outcome.state == State::kFailed && outcome.retry && !asked_to_end &&
                     record.failures + 1 < step.attempts_max;
  Event event{again ? EventKind::kAttemptFailed : EventKind::kStepEnded, step.name,
              record.status.attempt, std::move(outcome), at};
  if (again && step.backoff.first.count() > 0) {
    event.due = at + pause_before_retry(step.backoff, record.failures);
  }
  return event;
}

std::optional<Event> due_event(const RunRecord& run, const StepRecord& record, Timestamp at) {
  if (record.due == Timestamp{} || record.due > at) return std::nullopt;
  const StepStatus& status = record.status;
  switch (status.state) {
    case State::kNotStarted:
      return Event{EventKind::kRetryDue, status.name, status.attempt, {}, at};
    case State::kRunning: {
      if (run.step_of(record).kind == kWait) {
        return ended(run, record, {State::kSucceeded, {}, {}}, at);
      }
      Event event{EventKind::kStepTimedOut, status.name, status.attempt, {}, at};
      event.due = at + kAbandonAfter;
      return event;
    }
    case State::kCancelRequested:  // nobody answered
      return ended(run, record, {State::kFailed, {}, {}}, at);
    default:
      return std::nullopt;
  }
}

std::optional<Event> lost_event(const RunRecord& run, const StepRecord& record, Timestamp at) {
  const StepStatus& status = record.status;
  if (!is_active(status.state) || is_built_in(run.step_of(record))) return std::nullopt;
  if (status.state == State::kCancelRequested) {
    return ended(run, record, {State::kCanceled, {}, {}}, at);
  }
  if (status.attempt - record.failures > kLossesMax) {
    return ended(run, record,
                 {State::kFailed,
                  {},
                  internal_error(
                      cat({"The servers that ran step '", status.name, "' were lost too often."})),
                  false},
                 at);
  }
  return Event{EventKind::kAttemptLost, status.name, status.attempt, {}, at};
}

std::optional<Event> cancel_event(const RunRecord& run, Timestamp at) {
  if (is_terminal(run.state) || run.cancel_requested) return std::nullopt;
  return Event{.kind = EventKind::kCancelRequested, .at = at};
}

std::optional<Event> signal_event(const RunRecord& run, const std::string& name,
                                  const Json& payload, Timestamp at) {
  if (is_terminal(run.state)) return std::nullopt;
  Event event{.kind = EventKind::kSignalled, .at = at};
  event.body = Json::object({{"name", name}, {"payload", payload}});
  return event;
}

}  // namespace lazuli::workflow
