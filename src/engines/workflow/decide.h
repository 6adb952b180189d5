// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engines/workflow/graph.h"
#include "engines/workflow/workflow.h"

namespace lazuli::workflow {

// What the journal records. A run's state is the fold of its events; nothing else changes it.
enum class EventKind {
  kSubmitted,            // the run begins
  kScheduled,            // a step's next attempt is due
  kAttemptFailed,        // an attempt failed and another one will follow
  kStepEnded,            // the step ended for good
  kStepSkipped,          // it never starts: its predecessors did not end as it needs
  kStepCancelRequested,  // its attempt is asked to end
  kStepTimedOut,         // likewise, because its time is over
  kCancelRequested,      // of the whole run
  kRunEnded,
  kAttemptLost,   // the node that ran it is gone; another attempt follows
  kStepsAdded,    // body: the steps that `step` adds
  kSignalled,     // body: {name, payload}
  kRunTimedOut,   // the run's time is over
  kUndoing,       // body: {undo: [steps], state}: the run would have ended so
  kStepCanceled,  // it never starts: the run is being stopped
  kRetryDue,      // the pause before a step's next attempt is over
};
bool is_active(State state);  // an attempt runs or is asked to end

std::string_view to_string(EventKind kind);
std::optional<EventKind> parse_event_kind(std::string_view text);

struct Event {
  EventKind kind = EventKind::kSubmitted;
  std::string step;  // empty for events of the run
  int attempt = 0;
  Outcome outcome;  // kAttemptFailed, kStepEnded, kRunEnded
  Timestamp at{};
  Timestamp due{};  // when the step (or run) is looked at again if nothing else happens
  Json body = {};
};

struct StepRecord {
  StepStatus status;
  bool timed_out = false;  // its running attempt was asked to end because of that
  int failures = 0;        // attempts that failed and were followed by another
  Timestamp due{};         // next attempt, end of the attempt's time or of our patience; 0: none

  // Not stored: predecessors that have not ended, and how those ended that have.
  uint32_t open = 0, accepted = 0, refused = 0;
};

struct Lane {
  int max = 0, busy = 0;
  std::deque<uint32_t> waiting;
};

struct Signal {
  int64_t seq = 0;  // of its event
  std::string name;
  Json payload;
};

// The projection of one run: what the journal adds up to. Copies share nothing but the graph, which
// is copied before it grows.
struct RunRecord {
  std::string id;
  State state = State::kNotStarted;
  int64_t seq = 0;  // of the last event
  bool cancel_requested = false;
  bool timed_out = false;
  std::optional<State> undoing;  // how the run ends once its compensations have
  std::optional<Error> error;    // of the step that failed first
  Timestamp created{}, ended{}, due{};
  std::string parent;             // the attempt whose child this run is
  std::vector<StepRecord> steps;  // by position
  std::deque<Signal> signals;     // not yet waited for
  std::shared_ptr<Graph> graph;

  // Not stored: counts that spare every event a look at all steps.
  uint32_t open = 0;              // steps that have not ended
  uint32_t failed = 0;            // failures that no successor handles
  uint32_t canceled = 0;          // steps that were canceled, begun or not
  bool stopped = false;           // everything was asked to end
  std::vector<uint32_t> touched;  // steps whose turn may have come
  std::map<std::string, Lane> lanes;
  std::map<std::string, std::deque<uint32_t>> waiting;  // running signal steps, by signal

  StepRecord* find(std::string_view step);
  const Step& step_of(const StepRecord& record) const;
};

// A run of `definition` before its first event.
RunRecord fresh_run(const std::string& id, const Definition& definition);
// Fills in what is not stored.
void recount(RunRecord& run);

// The fold.
void apply(RunRecord& run, const Event& event);

// The heart of the engine, a pure function of state and event: applies `first` and all that follows
// from it until there is nothing to do but wait, and returns all of it in order.
std::vector<Event> play(RunRecord& run, Event first);

// What the end of a running attempt means: another attempt, or the step's end. A step that ran out
// of time and did not succeed has failed, whatever it says itself.
Event ended(const RunRecord& run, const StepRecord& record, Outcome outcome, Timestamp at);
// What it means that a step is due: an attempt to begin or one whose time is over; none if it is
// not.
std::optional<Event> due_event(const RunRecord& run, const StepRecord& record, Timestamp at);
// None where the run has ended or is being canceled already.
std::optional<Event> cancel_event(const RunRecord& run, Timestamp at);
std::optional<Event> signal_event(const RunRecord& run, const std::string& name,
                                  const Json& payload, Timestamp at);
// The node that ran the attempt is gone.
std::optional<Event> lost_event(const RunRecord& run, const StepRecord& record, Timestamp at);

}  // namespace lazuli::workflow
