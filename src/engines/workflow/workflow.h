// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/json.h"
#include "db/db.h"

// Durable graphs of steps, for every service that orchestrates (pipelines, deployments, schedules).
// What a front end gets, and how it says it:
//   order            Step::after; what ends of a predecessor count: Step::accept, Step::need
//   retries          Step::attempts_max, Step::backoff; Outcome::retry refuses further ones
//   deadlines        Step::timeout, Definition::timeout
//   concurrency      Definition::lanes and Step::lane
//   loops, branches  Outcome::more: steps that an ended step adds to its run
//   undo             Step::compensation, when the run fails or is canceled
//   waiting          steps of kind kWait (for a time) and kSignal (for Engine::signal)
//   child runs       steps of kind kChild
//   reuse            Step::reuse_key
namespace lazuli::workflow {

// Kinds of steps that the engine carries out itself.
inline constexpr const char* kWait = "workflow.wait";      // params {"us": 5000000}
inline constexpr const char* kSignal = "workflow.signal";  // params {"name": "approved"}
inline constexpr const char* kChild = "workflow.child";    // params: to_json(Definition)

// The pause before the n-th further attempt: first * factor^(n-1), never more than `most`.
struct Backoff {
  Duration first{0};
  double factor = 2;
  Duration most = std::chrono::hours(1);
};

// The ends of a predecessor after which a step may run.
struct Ends {
  bool succeeded = true;
  bool failed = false;    // also makes the failure a handled one: the run goes on
  bool skipped = false;   // its own predecessors did not end as it needed
  bool canceled = false;  // by itself: when the run is canceled nothing more begins
};

enum class Need {
  kAll,  // every predecessor ends as accepted; skipped as soon as one does not
  kAny,  // at least one does, once all have ended
};

// What undoes a step that succeeded. Runs as a step of its own named "{name}~undo" that finds the
// undone step's result among its results.
struct Compensation {
  std::string kind;
  Json params;
};

// A step of a frozen definition. `kind` names the executor, `params` is its business alone.
struct Step {
  std::string name;  // unique within the definition
  std::string kind;
  Json params;
  std::vector<std::string> after;
  int attempts_max = 1;
  Duration timeout{0};                      // of one attempt; 0: none
  std::map<std::string, Ends> accept = {};  // of predecessors whose success is not what counts
  Need need = Need::kAll;
  Backoff backoff = {};
  std::string lane = {};  // of Definition::lanes; empty: no limit
  std::optional<Compensation> compensation = {};
  // A step that succeeded under the same key before ends at once with that result. The front end
  // puts everything into it that the result depends on. Empty: never.
  std::string reuse_key = {};
};

struct Definition {
  std::vector<Step> steps;
  bool continue_on_failure = false;       // other branches go on after a step failed
  Duration timeout{0};                    // of the whole run; 0: none
  std::map<std::string, int> lanes = {};  // name → attempts that may run at once
  std::string result_step = {};           // whose result is the run's
};
Json to_json(const Definition& definition);

enum class State { kNotStarted, kRunning, kCancelRequested, kSucceeded, kFailed, kCanceled };
bool is_terminal(State state);
std::string_view to_string(State state);

struct Outcome {
  State state = State::kSucceeded;  // kSucceeded, kFailed or kCanceled
  Json result;                      // what later steps and observers may read
  std::optional<Error> error;
  bool retry = true;  // a failure that another attempt may mend
  // Added to the run when the step succeeds: they may come after each other and after steps that
  // have ended (this one too), and whatever comes after this step waits for them as well.
  std::vector<Step> more = {};
};

struct StepStatus {
  std::string name;
  State state = State::kNotStarted;
  int attempt = 0;
  Json result;
  std::optional<Error> error;
  Timestamp started{}, ended{};
  bool skipped = false;          // kCanceled without ever having been begun
  std::string reused_from = {};  // "{run}/{step}" whose result this is
};

struct RunStatus {
  std::string id;
  State state = State::kNotStarted;
  std::optional<Error> error;  // of the first failed step
  std::vector<StepStatus> steps;
  Json result = {};
};

// One try of one step. `id` = "{run}/{step}/{attempt}" is the idempotency key of everything it
// does, and the token without which its end does not count: numbers only rise.
struct Attempt {
  std::string id;
  std::string run_id;
  Step step;
  int number = 1;
  std::map<std::string, Json> results;  // of the steps it came after
};

// Does the work of one kind of step. Called on engine worker threads, never within a transaction.
class Executor {
 public:
  virtual ~Executor() = default;
  // Begins the attempt and returns; the end is told by Engine::complete. Called again for the same
  // attempt after a crash of this node: must recognize what it already began. (When another node
  // takes over, it begins a further attempt.) An error fails the attempt.
  virtual Result<void> start(const Attempt& attempt) = 0;
  // Asks it to end soon; it still tells its end by complete(). May come before or after start().
  virtual void cancel(const std::string& attempt_id) = 0;
};

// Learns of every change within the transaction that makes it, so that a projection (the job's
// status) can never disagree with the journal. Must only write through `tx`.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual Result<void> on_step(db::Tx& tx, const std::string& run_id, const StepStatus& step) = 0;
  virtual Result<void> on_run(db::Tx& tx, const RunStatus& run) = 0;
};

// Makes an attempt's staged outputs the step's, within the transaction that ends it. Not called
// when the end does not count, so of all attempts of a step exactly one publishes.
using Publish = std::function<Result<void>(db::Tx&)>;

struct Options {
  std::string node = "local";  // this server among those of one database; the same after a restart
  // Several servers share the database: their runs are taken over when they fall silent.
  bool shared = false;
  Duration lease = std::chrono::seconds(6);
  Duration heartbeat = std::chrono::seconds(2);
  // Journals of runs that ended this long ago are folded into one row each.
  Duration compact_after = std::chrono::minutes(10);
};

// The durable workflow engine: journal, projection, timers and what is due live in one database
// transaction; definitions are frozen by content hash; a run's next moves are a pure function of
// its journal. After a crash everything goes on where it was. Thread-safe.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> create(db::Database::Handle handle, Options options = {});
  virtual ~Engine() = default;
  static std::vector<db::Migration> migrations();

  // Before start().
  virtual void add_executor(const std::string& kind, Executor& executor) = 0;
  // The observer of all runs, or of those whose ids begin with `prefix`; the longest prefix wins.
  virtual void set_observer(Observer& observer, const std::string& prefix = {}) = 0;
  // Recovers unfinished runs (their running attempts get start() again) and begins to work.
  virtual Result<void> start() = 0;
  virtual void stop() noexcept = 0;

  // These join the caller's transaction. submit() refuses cycles, unknown kinds and names, and an
  // id already used. A signal waits for the step that waits for it; one without such a step is
  // forgotten with the run. forget() removes an ended run with all there is about it.
  virtual Result<void> submit(db::Tx& tx, const std::string& run_id,
                              const Definition& definition) = 0;
  virtual Result<void> cancel(db::Tx& tx, const std::string& run_id) = 0;
  virtual Result<void> signal(db::Tx& tx, const std::string& run_id, const std::string& name,
                              Json payload) = 0;
  virtual Result<void> forget(db::Tx& tx, const std::string& run_id) = 0;
  // The end of an attempt; durable when it returns. A second, late or unknown end is ignored.
  virtual Result<void> complete(const std::string& attempt_id, Outcome outcome,
                                const Publish& publish = {}) = 0;
  virtual Result<RunStatus> status(const std::string& run_id) = 0;
};

}  // namespace lazuli::workflow
