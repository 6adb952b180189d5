// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engines/workflow/workflow.h"

namespace lazuli::workflow {

// What the journal records. A run's state is the fold of its events; nothing else changes it.
enum class EventKind {
  kSubmitted,            // the run begins
  kScheduled,            // a step's next attempt is due
  kAttemptFailed,        // an attempt failed and another one will follow
  kStepEnded,            // the step ended for good
  kStepSkipped,          // it will never start
  kStepCancelRequested,  // its attempt is asked to end
  kStepTimedOut,         // likewise, because its time is over
  kCancelRequested,      // of the whole run
  kRunEnded,
};
std::string_view to_string(EventKind kind);
std::optional<EventKind> parse_event_kind(std::string_view text);

struct Event {
  EventKind kind = EventKind::kSubmitted;
  std::string step;  // empty for events of the run
  int attempt = 0;
  Outcome outcome;  // kAttemptFailed, kStepEnded, kRunEnded
  Timestamp at{};
};

struct StepRecord {
  StepStatus status;
  bool timed_out = false;  // its running attempt was asked to end because of that
};

// The projection of one run: what the journal adds up to.
struct RunRecord {
  std::string id;
  State state = State::kNotStarted;
  bool cancel_requested = false;
  std::optional<Error> error;  // of the step that failed first
  Timestamp created{}, ended{};
  std::vector<StepRecord> steps;  // in the definition's order

  StepRecord* find(std::string_view step);
};

// A run of `definition` before its first event.
RunRecord fresh_run(const std::string& id, const Definition& definition);

// The fold.
void apply(RunRecord& run, const Event& event);

// The next moves: a pure function of definition and projection. Empty when there is nothing to do
// but wait. Apply what it returns and ask again.
std::vector<Event> decide(const Definition& definition, const RunRecord& run, Timestamp at);

// What the end of a running attempt means: another attempt, or the step's end. A step that ran out
// of time and did not succeed has failed, whatever it says itself.
Event ended(const Step& step, const RunRecord& run, const StepRecord& record, Outcome outcome,
            Timestamp at);

}  // namespace lazuli::workflow
