// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engines/workflow/decide.h"
#include "engines/workflow/model.h"
#include "engines/workflow/store.h"
#include "engines/workflow/timers.h"

namespace lazuli::workflow {

// A run in memory. Its state is what the last turn made of it, committed or not: a turn whose
// transaction is lost leaves it ahead of the database, which the next turn notices
// (Store::save_run) and loads it anew.
struct Actor {
  std::mutex mutex;  // taken by the writer's thread for changes, by workers for reading
  RunRecord run;
};
using ActorPtr = std::shared_ptr<Actor>;

// What has to be done once a transaction is durable.
struct Effect {
  enum class Kind { kBegin, kCancel };
  Kind kind = Kind::kBegin;
  std::string run_id;
  uint32_t position = 0;
  int attempt = 0;
};

// The engine without threads and without a clock of its own: turns messages into transactions, and
// says through `emit` what is to be done after each. EngineImpl gives it threads, the simulation
// takes its randomness from a seed. Thread-safe.
class Machine {
 public:
  struct Parts {
    std::function<Timestamp()> clock;
    std::function<void(Effect)> emit;     // called on the database's writer thread
    std::function<void()> timer_changed;  // likewise
    // Whether this node may still take runs on; empty: always.
    std::function<Result<bool>(db::Tx&)> may_own = {};
  };
  Machine(db::Database::Handle handle, Parts parts)
      : handle_(std::move(handle)), parts_(std::move(parts)) {}

  void add_executor(const std::string& kind, Executor& executor) { executors_[kind] = &executor; }
  void set_observer(Observer& observer, const std::string& prefix) {
    observers_[prefix] = &observer;
  }

  Result<void> submit(db::Tx& tx, const std::string& run_id, const Definition& definition);
  Result<void> cancel(db::Tx& tx, const std::string& run_id);
  Result<void> signal(db::Tx& tx, const std::string& run_id, const std::string& name,
                      const Json& payload);
  Result<void> forget(db::Tx& tx, const std::string& run_id);
  Result<void> complete(const std::string& attempt_id, const Outcome& outcome,
                        const Publish& publish);
  Result<RunStatus> status(const std::string& run_id);

  // Does what an effect asks for. An error: it has to be done again later.
  Result<void> perform(const Effect& effect);

  std::optional<Timestamp> next_due() { return timers_.next(); }
  // Tells runs what is due, a bounded number of them. Those that could not be told stay due.
  Result<void> fire_due();

  // Who this node is: its turns count where the run's owner is the same.
  void set_owner(const std::string& owner);
  std::string owner();
  // Goes on with all runs that are this node's, attempts and all: after a restart.
  Result<void> resume();
  // Takes a run over from an owner that is gone, with further attempts in place of those that ran.
  Result<void> adopt(db::Tx& tx, const std::string& run_id, const std::string& from);
  // Another node has taken this one's runs: forgets them, and asks their attempts to end.
  void forsake();
  // What other nodes left for runs of this one.
  Result<void> read_letters();
  // Folds the journals of runs that ended before then; true when there may be more.
  Result<bool> compact(Timestamp before);

 private:
  // The event with which a run answers a message; none if it is of no concern to it.
  using Question = std::function<std::optional<Event>(const RunRecord&)>;
  enum class Answer { kDone, kNothing, kForeign, kUnknown };
  // Turns of other runs that follow within the same transaction.
  struct Agenda {
    struct Child {
      std::string run_id;
      Json definition;
      std::string parent;
    };
    struct End {
      AttemptId attempt;
      Outcome outcome;
    };
    std::deque<Child> submit;
    std::deque<std::string> cancel;
    std::deque<End> complete;
    bool empty() const { return submit.empty() && cancel.empty() && complete.empty(); }
  };
  static Json end_letter(const Agenda::End& end);
  Result<Answer> read(db::Tx& tx, const Store::Letter& letter);

  Result<Answer> turn(db::Tx& caller, const std::string& run_id, const Question& question);
  Result<Answer> turn(db::Tx& caller, const std::string& run_id, const Question& question,
                      Agenda& agenda);
  Result<void> work_off(db::Tx& caller, Agenda& agenda);
  Result<Answer> complete(db::Tx& caller, const AttemptId& id, const Outcome& outcome,
                          const Publish& publish, Agenda& agenda);
  Result<void> insert(db::Tx& caller, const std::string& run_id, const Definition& definition,
                      const std::string& parent, Agenda& agenda);

  Result<void> reuse(db::Tx& tx, RunRecord& run, std::vector<Event>& events);
  Result<void> write(db::Tx& caller, RunRecord& run, const std::vector<Event>& events,
                     Agenda& agenda);
  Result<void> write_parts(db::Tx& tx, const RunRecord& run, const std::vector<Event>& events);
  Result<void> tell_observer(db::Tx& caller, const RunRecord& run,
                             const std::vector<uint32_t>& changed,
                             const std::vector<Event>& events);
  void plan_effects(db::Tx& tx, const RunRecord& run, const std::vector<uint32_t>& changed,
                    const std::vector<Event>& events, Agenda& agenda);
  Observer* observer_of(const std::string& run_id) const;

  Result<ActorPtr> find(db::Tx& tx, const std::string& run_id, bool& loaded);
  ActorPtr cached(const std::string& run_id);
  void keep(const ActorPtr& actor);
  void drop(const std::string& run_id);
  Result<ActorPtr> find_for_reading(const std::string& run_id);
  Result<bool> is_over(const Effect& effect);

  Result<void> begin(const Effect& effect);
  Result<void> cancel(const Effect& effect);
  Result<void> fire(const std::vector<Timers::Key>& due);
  Question due_question(uint32_t position);

  db::Database::Handle handle_;
  const Parts parts_;
  std::map<std::string, Executor*> executors_;
  std::map<std::string, Observer*, std::greater<>> observers_;  // by prefix, longer ones first
  Timers timers_;

  std::mutex mutex_;
  std::string owner_;
  std::unordered_map<std::string, ActorPtr> actors_;
  size_t cached_steps_ = 0;
  // Attempts handed to an executor in this life, with its kind.
  std::unordered_map<std::string, std::string> begun_;
  std::unordered_set<std::string> cancelled_;
};

}  // namespace lazuli::workflow
