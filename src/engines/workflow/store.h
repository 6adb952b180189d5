// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engines/workflow/decide.h"

namespace lazuli::workflow {

struct LoadedRun {
  RunRecord run;
  std::string owner;  // the node whose writes count
};

// All SQL of the engine. The Executor or Tx is the engine's own view of a transaction.
class Store {
 public:
  static std::vector<db::Migration> migrations();

  // kConflict "JobAlreadyExists" where the id is taken. Equal definitions are stored once.
  static Result<void> insert_run(db::Tx& tx, const RunRecord& run, const Definition& definition,
                                 const std::string& owner);
  // Also of a run that was compacted.
  static Result<std::optional<LoadedRun>> load_run(db::Executor& db, const std::string& run_id);
  // The number of the last event; none for an unknown run.
  static Result<std::optional<int64_t>> seq_of(db::Executor& db, const std::string& run_id);
  static Result<std::optional<std::string>> owner_of(db::Executor& db, const std::string& run_id);

  // Writes the run where it still is what it was: at `seq_before`, and the node's. False: somebody
  // else changed it, and nothing was written.
  static Result<bool> save_run(db::Tx& tx, const RunRecord& run, int64_t seq_before,
                               const std::string& owner);
  // The events that led to `run.seq`, in order.
  static Result<void> append(db::Tx& tx, const RunRecord& run, std::span<const Event> events);
  static Result<void> save_steps(db::Tx& tx, const RunRecord& run,
                                 std::span<const uint32_t> positions);
  static Result<void> add_growth(db::Tx& tx, const std::string& run_id, int64_t seq,
                                 const Event& event);
  static Result<void> add_signal(db::Tx& tx, const std::string& run_id, const Signal& signal);
  static Result<void> remove_signal(db::Tx& tx, const std::string& run_id, int64_t seq);

  // Oldest first.
  static Result<std::vector<Event>> journal(db::Executor& db, const std::string& run_id);

  struct Reusable {
    std::string from;
    Json result;
  };
  static Result<std::optional<Reusable>> reusable(db::Executor& db, const std::string& key);
  static Result<void> offer(db::Tx& tx, const std::string& key, const std::string& from,
                            const Json& result);

  // What a node has to go on with.
  struct Open {
    std::string run_id;
    uint32_t position = 0;
    int attempt = 0;
    State state = State::kNotStarted;
    Timestamp due{};
  };
  static Result<std::vector<Open>> open_steps(db::Executor& db, const std::string& owner);
  static Result<std::vector<std::pair<std::string, Timestamp>>> open_deadlines(
      db::Executor& db, const std::string& owner);

  // Changes of runs that are another node's.
  struct Letter {
    int64_t id = 0;
    std::string run_id;
    Json body;
  };
  static Result<void> post(db::Tx& tx, const std::string& run_id, const Json& body);
  static Result<std::vector<Letter>> letters(db::Executor& db, const std::string& owner);
  static Result<void> remove_letter(db::Tx& tx, int64_t id);

  // Owners of runs that have not ended, and runs of one.
  static Result<std::vector<std::string>> owners(db::Executor& db);
  static Result<std::vector<std::string>> runs_of(db::Executor& db, const std::string& owner,
                                                  int count_max);
  static Result<void> hand_over(db::Tx& tx, const std::string& from, const std::string& to);
  // One run; false when it is not `from`'s any more.
  static Result<bool> hand_over_run(db::Tx& tx, const std::string& run_id, const std::string& from,
                                    const std::string& to);

  // Runs that ended before `before` and still have their journal row by row.
  static Result<std::vector<std::string>> ended_before(db::Executor& db, Timestamp before);
  static Result<void> compact(db::Tx& tx, const std::string& run_id);
  static Result<void> remove_run(db::Tx& tx, const std::string& run_id);
};

}  // namespace lazuli::workflow
