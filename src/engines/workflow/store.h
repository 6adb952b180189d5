// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engines/workflow/decide.h"

namespace lazuli::workflow {

enum class TimerKind {
  kTimeout,  // the attempt's time is over: ask it to end
  kAbandon,  // it did not answer: end it without its word
};

struct Timer {
  std::string attempt_id;
  TimerKind kind = TimerKind::kTimeout;
  Timestamp due{};
};

struct LoadedRun {
  RunRecord run;
  Definition definition;
};

// All SQL of the engine. The Executor or Tx is the engine's own view of a transaction.
class Store {
 public:
  static std::vector<db::Migration> migrations();

  // kConflict "JobAlreadyExists" where the id is taken. Equal definitions are stored once.
  static Result<void> insert_run(db::Tx& tx, const RunRecord& run, const Definition& definition);
  static Result<std::optional<LoadedRun>> load_run(db::Executor& db, const std::string& run_id);

  static Result<void> append(db::Tx& tx, const std::string& run_id, const Event& event);
  // Oldest first.
  static Result<std::vector<Event>> journal(db::Executor& db, const std::string& run_id);
  static Result<void> save_run(db::Tx& tx, const RunRecord& run);
  static Result<void> save_step(db::Tx& tx, const std::string& run_id, const StepRecord& record);

  static Result<void> set_timer(db::Tx& tx, const Timer& timer);
  static Result<void> clear_timer(db::Tx& tx, const std::string& attempt_id);
  static Result<std::vector<Timer>> due_timers(db::Executor& db, Timestamp at);
  static Result<std::optional<Timestamp>> next_timer(db::Executor& db);

  struct ActiveAttempt {
    std::string id;
    bool cancel_requested = false;
  };
  // Attempts that run or are asked to end, of all runs.
  static Result<std::vector<ActiveAttempt>> active_attempts(db::Executor& db);
};

}  // namespace lazuli::workflow
