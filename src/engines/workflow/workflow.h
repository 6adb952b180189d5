// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/json.h"
#include "db/db.h"

namespace lazuli::workflow {

// A step of a frozen definition. `kind` names the executor, `params` is its business alone.
struct Step {
  std::string name;  // unique within the definition
  std::string kind;
  Json params;
  std::vector<std::string> after;  // runs once all of these have succeeded
  int attempts_max = 1;
  Duration timeout{0};  // 0: none
};

struct Definition {
  std::vector<Step> steps;
  bool continue_on_failure = false;  // other branches go on after a step failed
};

enum class State { kNotStarted, kRunning, kCancelRequested, kSucceeded, kFailed, kCanceled };
bool is_terminal(State state);
std::string_view to_string(State state);

struct Outcome {
  State state = State::kSucceeded;  // kSucceeded, kFailed or kCanceled
  Json result;                      // what later steps and observers may read
  std::optional<Error> error;
};

struct StepStatus {
  std::string name;
  State state = State::kNotStarted;
  int attempt = 0;
  Json result;
  std::optional<Error> error;
  Timestamp started{}, ended{};
};

struct RunStatus {
  std::string id;
  State state = State::kNotStarted;
  std::optional<Error> error;  // of the first failed step
  std::vector<StepStatus> steps;
};

// One try of one step. `id` = "{run}/{step}/{attempt}" is the idempotency key of everything it
// does.
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
  // attempt after a crash: must recognize what it already began. An error fails the attempt.
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

// The durable workflow engine: journal, projection, timers and what is due live in one database
// transaction; definitions are frozen by content hash; a run's next moves are a pure function of
// its journal. After a crash everything goes on where it was. Thread-safe.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> create(db::Database::Handle handle);
  virtual ~Engine() = default;
  static std::vector<db::Migration> migrations();

  // Before start().
  virtual void add_executor(const std::string& kind, Executor& executor) = 0;
  // The observer of all runs, or of those whose ids begin with `prefix`; the longest prefix wins.
  virtual void set_observer(Observer& observer, const std::string& prefix = {}) = 0;
  // Recovers unfinished runs (their running attempts get start() again) and begins to work.
  virtual Result<void> start() = 0;
  virtual void stop() noexcept = 0;

  // Joins the caller's transaction. Refuses cycles, unknown kinds and names, and an id already
  // used.
  virtual Result<void> submit(db::Tx& tx, const std::string& run_id,
                              const Definition& definition) = 0;
  virtual Result<void> cancel(db::Tx& tx, const std::string& run_id) = 0;
  // The end of an attempt; durable when it returns. A second, late or unknown end is ignored.
  virtual Result<void> complete(const std::string& attempt_id, Outcome outcome) = 0;
  virtual Result<RunStatus> status(const std::string& run_id) = 0;
};

}  // namespace lazuli::workflow
