// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/decide.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/strings.h"

namespace lazuli::workflow {
namespace {

constexpr std::array<std::string_view, 9> kEventNames = {
    "Submitted",           "Scheduled",    "AttemptFailed",   "StepEnded", "StepSkipped",
    "StepCancelRequested", "StepTimedOut", "CancelRequested", "RunEnded"};

bool is_active(State state) { return state == State::kRunning || state == State::kCancelRequested; }

bool ended_badly(State state) { return state == State::kFailed || state == State::kCanceled; }

// Whether no further step may start and running ones shall end.
bool must_stop(const Definition& definition, const RunRecord& run) {
  if (run.cancel_requested) return true;
  if (definition.continue_on_failure) return false;
  return std::any_of(run.steps.begin(), run.steps.end(),
                     [](const StepRecord& step) { return ended_badly(step.status.state); });
}

Event run_end(const RunRecord& run, Timestamp at) {
  bool all_succeeded = true;
  bool some_failed = false;
  for (const StepRecord& step : run.steps) {
    all_succeeded &= step.status.state == State::kSucceeded;
    some_failed |= step.status.state == State::kFailed;
  }
  Event event{.kind = EventKind::kRunEnded, .at = at};
  if (all_succeeded) {
    event.outcome.state = State::kSucceeded;
  } else if (run.cancel_requested || !some_failed) {
    event.outcome.state = State::kCanceled;
  } else {
    event.outcome.state = State::kFailed;
    event.outcome.error = run.error;
  }
  return event;
}

enum class Readiness { kWaiting, kReady, kNever };

Readiness readiness(const Step& step, const std::unordered_map<std::string_view, State>& state_of) {
  Readiness result = Readiness::kReady;
  for (const std::string& before : step.after) {
    const State state = state_of.at(before);
    if (ended_badly(state)) return Readiness::kNever;
    if (state != State::kSucceeded) result = Readiness::kWaiting;
  }
  return result;
}

Error timeout_error(const Step& step) {
  return deadline_exceeded(cat({"Step '", step.name, "' timed out: it did not end within ",
                                format_iso8601_duration(step.timeout), " and was stopped."}),
                           "JobTimedOut");
}

}  // namespace

std::string_view to_string(EventKind kind) { return kEventNames[static_cast<size_t>(kind)]; }

std::optional<EventKind> parse_event_kind(std::string_view text) {
  const auto found = std::find(kEventNames.begin(), kEventNames.end(), text);
  if (found == kEventNames.end()) return std::nullopt;
  return static_cast<EventKind>(found - kEventNames.begin());
}

StepRecord* RunRecord::find(std::string_view step) {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const StepRecord& record) {
    return record.status.name == step;
  });
  return found == steps.end() ? nullptr : &*found;
}

RunRecord fresh_run(const std::string& id, const Definition& definition) {
  RunRecord run;
  run.id = id;
  for (const Step& step : definition.steps) run.steps.push_back({{.name = step.name}, false});
  return run;
}

void apply(RunRecord& run, const Event& event) {
  if (event.step.empty()) {
    switch (event.kind) {
      case EventKind::kSubmitted:
        run.state = State::kRunning;
        run.created = event.at;
        break;
      case EventKind::kCancelRequested:
        run.state = State::kCancelRequested;
        run.cancel_requested = true;
        break;
      case EventKind::kRunEnded:
        run.state = event.outcome.state;
        run.ended = event.at;
        break;
      default:
        CHECK(false);
    }
    return;
  }
  StepRecord* record = run.find(event.step);
  CHECK(record != nullptr);
  StepStatus& step = record->status;
  switch (event.kind) {
    case EventKind::kScheduled:
      step.state = State::kRunning;
      step.attempt = event.attempt;
      if (step.started == Timestamp{}) step.started = event.at;
      record->timed_out = false;
      break;
    case EventKind::kAttemptFailed:
      step.state = State::kNotStarted;
      break;
    case EventKind::kStepEnded:
      step.state = event.outcome.state;
      step.result = event.outcome.result;
      step.error = event.outcome.error;
      step.ended = event.at;
      if (step.state == State::kFailed && !run.error) run.error = step.error;
      break;
    case EventKind::kStepSkipped:
      step.state = State::kCanceled;
      step.ended = event.at;
      break;
    case EventKind::kStepTimedOut:
      record->timed_out = true;
      step.state = State::kCancelRequested;
      break;
    case EventKind::kStepCancelRequested:
      step.state = State::kCancelRequested;
      break;
    default:
      CHECK(false);
  }
}

std::vector<Event> decide(const Definition& definition, const RunRecord& run, Timestamp at) {
  std::vector<Event> events;
  if (is_terminal(run.state)) return events;
  const bool stop = must_stop(definition, run);
  std::unordered_map<std::string_view, State> state_of;
  for (const StepRecord& record : run.steps) state_of[record.status.name] = record.status.state;
  bool some_open = false;
  for (size_t i = 0; i < definition.steps.size(); ++i) {
    const Step& step = definition.steps[i];
    const StepStatus& status = run.steps[i].status;
    some_open |= !is_terminal(status.state);
    if (status.state == State::kRunning && stop) {
      events.push_back({EventKind::kStepCancelRequested, step.name, status.attempt, {}, at});
    }
    if (status.state != State::kNotStarted) continue;
    const Readiness ready = stop ? Readiness::kNever : readiness(step, state_of);
    if (ready == Readiness::kNever) {
      events.push_back({EventKind::kStepSkipped, step.name, status.attempt, {}, at});
    } else if (ready == Readiness::kReady) {
      events.push_back({EventKind::kScheduled, step.name, status.attempt + 1, {}, at});
    }
  }
  if (!some_open) events.push_back(run_end(run, at));
  return events;
}

Event ended(const Step& step, const RunRecord& run, const StepRecord& record, Outcome outcome,
            Timestamp at) {
  CHECK(is_terminal(outcome.state));
  CHECK(is_active(record.status.state));
  if (record.timed_out && outcome.state != State::kSucceeded) {
    outcome.state = State::kFailed;
    outcome.error = timeout_error(step);
  }
  if (outcome.state == State::kFailed && !outcome.error) {
    outcome.error = internal_error(cat({"Step '", step.name, "' failed without saying why."}));
  }
  const bool asked_to_end =
      run.cancel_requested || (record.status.state == State::kCancelRequested && !record.timed_out);
  const bool again =
      outcome.state == State::kFailed && !asked_to_end && record.status.attempt < step.attempts_max;
  return {again ? EventKind::kAttemptFailed : EventKind::kStepEnded, step.name,
          record.status.attempt, std::move(outcome), at};
}

}  // namespace lazuli::workflow
