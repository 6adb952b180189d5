// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/strings.h"
#include "db/testing.h"
#include "engines/workflow/decide.h"
#include "engines/workflow/model.h"
#include "engines/workflow/store.h"
#include "engines/workflow/workflow.h"

namespace lazuli::workflow {
namespace {

using std::chrono::milliseconds;

Step step(std::string name, std::vector<std::string> after = {}, std::string kind = "work") {
  return {std::move(name), std::move(kind), {}, std::move(after), 1, Duration(0)};
}

std::vector<db::Migration> migrations() {
  std::vector<db::Migration> all = Engine::migrations();
  all.push_back({"watch", 1,
                 "CREATE TABLE watch_state (run {text} NOT NULL, step {text} NOT NULL, "
                 "state {text} NOT NULL, PRIMARY KEY (run, step))"});
  return all;
}

// Ends its attempts at once, unless told to leave them open.
class Work : public Executor {
 public:
  Result<void> start(const Attempt& attempt) override {
    std::unique_lock lock(mutex_);
    started_.push_back(attempt.id);
    results_[attempt.id] = attempt.results;
    changed_.notify_all();
    if (refuse.contains(attempt.step.name)) return invalid_argument("cannot begin", "UserError");
    if (cancelled_.contains(attempt.id)) {
      lock.unlock();
      return engine->complete(attempt.id, {State::kCanceled, {}, {}});
    }
    if (hold.contains(attempt.step.name)) return {};
    lock.unlock();
    Outcome outcome{State::kSucceeded, Json::object({{"by", attempt.id}}), {}};
    if (more.contains(attempt.step.name)) outcome.more = more[attempt.step.name];
    if (fail_first.contains(attempt.step.name) && attempt.number == 1) {
      outcome = {State::kFailed, {}, invalid_argument("not the first time", "UserError")};
    }
    return engine->complete(attempt.id, std::move(outcome));
  }

  void cancel(const std::string& attempt_id) override {
    std::unique_lock lock(mutex_);
    cancelled_.insert(attempt_id);
    const bool begun = std::find(started_.begin(), started_.end(), attempt_id) != started_.end();
    changed_.notify_all();
    lock.unlock();
    if (begun) EXPECT_TRUE(engine->complete(attempt_id, {State::kCanceled, {}, {}}).ok());
  }

  bool wait_started(const std::string& attempt_id) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      return std::find(started_.begin(), started_.end(), attempt_id) != started_.end();
    });
  }
  std::vector<std::string> started() {
    std::lock_guard lock(mutex_);
    return started_;
  }
  std::map<std::string, Json> results(const std::string& attempt_id) {
    std::lock_guard lock(mutex_);
    return results_[attempt_id];
  }

  Engine* engine = nullptr;
  std::set<std::string> hold, refuse, fail_first;  // step names; set before the engine starts
  std::map<std::string, std::vector<Step>> more;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> started_;
  std::map<std::string, std::map<std::string, Json>> results_;
  std::set<std::string> cancelled_;
};

// A projection as a service keeps it: in its own table, within the engine's transaction.
class Watch : public Observer {
 public:
  explicit Watch(db::Database::Handle handle) : handle_(std::move(handle)) {}
  Result<void> on_step(db::Tx& tx, const std::string& run_id, const StepStatus& status) override {
    return put(tx, run_id, status.name, status.state);
  }
  Result<void> on_run(db::Tx& tx, const RunStatus& run) override {
    return put(tx, run.id, "", run.state);
  }
  std::string state(const std::string& run, const std::string& step_name) {
    auto row = handle_.read([&](db::Reader& reader) {
      return reader.query_one("SELECT state FROM watch_state WHERE run = ? AND step = ?",
                              {run, step_name});
    });
    return row.ok() && *row ? (*row)->text(0) : "";
  }

 private:
  Result<void> put(db::Tx& tx, const std::string& run, const std::string& name, State state) {
    TRY(
        handle_.join(tx).exec("INSERT INTO watch_state (run, step, state) VALUES (?, ?, ?) "
                              "ON CONFLICT (run, step) DO UPDATE SET state = excluded.state",
                              {run, name, to_string(state)}));
    return {};
  }
  db::Database::Handle handle_;
};

class WorkflowEngineTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { engine.reset(); }

  void open() {
    engine = Engine::create(db.handle("workflow")).value();
    watch = std::make_unique<Watch>(db.handle("watch"));
    work.engine = engine.get();
    engine->add_executor("work", work);
    engine->set_observer(*watch);
  }
  void restart() {
    engine.reset();
    db.reopen();
    open();
    ASSERT_TRUE(engine->start().ok());
  }
  Result<void> submit(const std::string& id, const Definition& definition) {
    return db.handle("watch").write([&](db::Tx& tx) { return engine->submit(tx, id, definition); });
  }
  Result<void> cancel(const std::string& id) {
    return db.handle("watch").write([&](db::Tx& tx) { return engine->cancel(tx, id); });
  }
  RunStatus wait_end(const std::string& id) {
    const auto deadline = SteadyClock::now() + std::chrono::seconds(10);
    while (SteadyClock::now() < deadline) {
      auto status = engine->status(id);
      if (status.ok() && is_terminal(status->state)) return *status;
      std::this_thread::sleep_for(milliseconds(2));
    }
    ADD_FAILURE() << id << " did not end";
    return {};
  }
  // The stored projection must be what the journal adds up to.
  void expect_projection_is_the_fold(const std::string& id) {
    db.handle("workflow")
        .read([&](db::Reader& reader) -> Result<void> {
          const LoadedRun loaded = *TRY(Store::load_run(reader, id));
          const auto row =
              TRY(reader.query_one("SELECT d.body FROM workflow_run r JOIN workflow_definition d "
                                   "ON d.hash = r.definition WHERE r.id = ?",
                                   {id}));
          const Json definition = TRY(Json::parse(row->text(0)));
          RunRecord folded = fresh_run(id, definition_from_json(definition));
          for (const Event& event : TRY(Store::journal(reader, id))) apply(folded, event);
          EXPECT_EQ(folded.seq, loaded.run.seq);
          EXPECT_EQ(folded.state, loaded.run.state);
          EXPECT_EQ(folded.ended, loaded.run.ended);
          EXPECT_EQ(folded.steps.size(), loaded.run.steps.size());
          for (size_t i = 0; i < folded.steps.size(); ++i) {
            EXPECT_EQ(folded.steps[i].status.state, loaded.run.steps[i].status.state);
            EXPECT_EQ(folded.steps[i].status.attempt, loaded.run.steps[i].status.attempt);
            EXPECT_EQ(folded.steps[i].status.result, loaded.run.steps[i].status.result);
            EXPECT_EQ(folded.steps[i].status.ended, loaded.run.steps[i].status.ended);
            EXPECT_EQ(folded.steps[i].failures, loaded.run.steps[i].failures);
          }
          return {};
        })
        .value();
  }

  db::testing::TestDatabase db{GetParam(), migrations()};
  Work work;
  std::unique_ptr<Watch> watch;
  std::unique_ptr<Engine> engine;
};
INSTANTIATE_TEST_SUITE_P(Drivers, WorkflowEngineTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(WorkflowEngineTest, RunsStepsInOrderAndHandsResultsOn) {
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", {{step("a"), step("b", {"a"})}}).ok());
  EXPECT_EQ(wait_end("r").state, State::kSucceeded);
  EXPECT_EQ(work.started(), std::vector<std::string>({"r/a/1", "r/b/1"}));
  EXPECT_EQ(work.results("r/b/1")["a"]["by"].str(), "r/a/1");
  EXPECT_EQ(watch->state("r", "b"), "Succeeded");
  EXPECT_EQ(watch->state("r", ""), "Succeeded");
  expect_projection_is_the_fold("r");
}

TEST_P(WorkflowEngineTest, RefusesAUsedIdAndUnknownKinds) {
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", {{step("a")}}).ok());
  const auto again = submit("r", {{step("a")}});
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::kConflict);
  EXPECT_FALSE(submit("s", {{step("a", {}, "other")}}).ok());
  EXPECT_FALSE(submit("x/y", {{step("a")}}).ok());
}

TEST_P(WorkflowEngineTest, SubmissionBelongsToTheCallersTransaction) {
  ASSERT_TRUE(engine->start().ok());
  const auto written = db.handle("watch").write([&](db::Tx& tx) -> Result<void> {
    TRY(engine->submit(tx, "r", {{step("a")}}));
    return invalid_argument("changed my mind");
  });
  EXPECT_FALSE(written.ok());
  EXPECT_FALSE(engine->status("r").ok());
  EXPECT_TRUE(work.started().empty());
}

TEST_P(WorkflowEngineTest, RepeatsAFailedAttempt) {
  work.fail_first = {"a"};
  ASSERT_TRUE(engine->start().ok());
  Definition definition{{step("a")}};
  definition.steps[0].attempts_max = 2;
  ASSERT_TRUE(submit("r", definition).ok());
  EXPECT_EQ(wait_end("r").state, State::kSucceeded);
  EXPECT_EQ(work.started(), std::vector<std::string>({"r/a/1", "r/a/2"}));
  expect_projection_is_the_fold("r");
}

TEST_P(WorkflowEngineTest, ExecutorThatCannotBeginFailsTheStep) {
  work.refuse = {"a"};
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", {{step("a"), step("b", {"a"})}}).ok());
  const RunStatus status = wait_end("r");
  EXPECT_EQ(status.state, State::kFailed);
  ASSERT_TRUE(status.error.has_value());
  EXPECT_EQ(status.error->message, "cannot begin");
  EXPECT_EQ(status.error->wire_code, "UserError");
  EXPECT_EQ(status.steps[1].state, State::kCanceled);
}

TEST_P(WorkflowEngineTest, CancelEndsTheRunningStep) {
  work.hold = {"a"};
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", {{step("a"), step("b", {"a"})}}).ok());
  ASSERT_TRUE(work.wait_started("r/a/1"));
  ASSERT_TRUE(cancel("r").ok());
  EXPECT_EQ(wait_end("r").state, State::kCanceled);
  EXPECT_EQ(work.started().size(), 1u);
  EXPECT_TRUE(cancel("r").ok());
  EXPECT_EQ(cancel("unknown").error().code, Code::kNotFound);
}

TEST_P(WorkflowEngineTest, TimeoutStopsAndFailsTheStep) {
  work.hold = {"a"};
  ASSERT_TRUE(engine->start().ok());
  Definition definition{{step("a")}};
  definition.steps[0].timeout = milliseconds(30);
  ASSERT_TRUE(submit("r", definition).ok());
  const RunStatus status = wait_end("r");
  EXPECT_EQ(status.state, State::kFailed);
  ASSERT_TRUE(status.error.has_value());
  EXPECT_EQ(status.error->wire_code, "JobTimedOut");
  expect_projection_is_the_fold("r");
}

TEST_P(WorkflowEngineTest, SecondAndUnknownEndsAreIgnored) {
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", {{step("a")}}).ok());
  ASSERT_EQ(wait_end("r").state, State::kSucceeded);
  EXPECT_TRUE(engine->complete("r/a/1", {State::kFailed, {}, {}}).ok());
  EXPECT_TRUE(engine->complete("r/a/2", {State::kFailed, {}, {}}).ok());
  EXPECT_TRUE(engine->complete("nothing", {State::kFailed, {}, {}}).ok());
  EXPECT_EQ(engine->status("r")->state, State::kSucceeded);
}

TEST_P(WorkflowEngineTest, RunningAttemptsBeginAgainAfterARestart) {
  work.hold = {"a"};
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", {{step("a"), step("b", {"a"})}}).ok());
  ASSERT_TRUE(work.wait_started("r/a/1"));
  work.hold = {};
  restart();
  EXPECT_EQ(wait_end("r").state, State::kSucceeded);
  EXPECT_EQ(work.started(), std::vector<std::string>({"r/a/1", "r/a/1", "r/b/1"}));
}

TEST_P(WorkflowEngineTest, CancelSurvivesARestart) {
  work.hold = {"a"};
  ASSERT_TRUE(submit("r", {{step("a")}}).ok());  // the engine does not work yet
  ASSERT_TRUE(cancel("r").ok());
  restart();
  EXPECT_EQ(wait_end("r").state, State::kCanceled);
}

TEST_P(WorkflowEngineTest, ManyRunsAtOnce) {
  ASSERT_TRUE(engine->start().ok());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(submit("r" + std::to_string(i), {{step("a"), step("b", {"a"})}}).ok());
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(wait_end("r" + std::to_string(i)).state, State::kSucceeded);
  }
  EXPECT_EQ(work.started().size(), 100u);
}

TEST_P(WorkflowEngineTest, PausesBeforeAnotherAttemptAlsoAcrossARestart) {
  work.fail_first = {"a"};
  ASSERT_TRUE(engine->start().ok());
  Definition definition{{step("a")}};
  definition.steps[0].attempts_max = 2;
  definition.steps[0].backoff.first = milliseconds(300);
  const auto started = SteadyClock::now();
  ASSERT_TRUE(submit("r", definition).ok());
  ASSERT_TRUE(work.wait_started("r/a/1"));
  restart();
  EXPECT_EQ(wait_end("r").state, State::kSucceeded);
  EXPECT_GE(SteadyClock::now() - started, milliseconds(300));
  EXPECT_EQ(engine->status("r")->steps[0].attempt, 2);
  expect_projection_is_the_fold("r");
}

TEST_P(WorkflowEngineTest, PublishesOnceAndOnlyForTheAttemptThatCounts) {
  work.hold = {"a"};
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", {{step("a")}}).ok());
  ASSERT_TRUE(work.wait_started("r/a/1"));
  std::atomic<int> published = 0;
  const auto end = [&](const char* attempt, State state) {
    return engine->complete(attempt, {state, {}, {}}, [&](db::Tx&) -> Result<void> {
      ++published;
      return {};
    });
  };
  EXPECT_TRUE(end("r/a/2", State::kSucceeded).ok());
  EXPECT_EQ(published, 0);
  EXPECT_FALSE(engine
                   ->complete("r/a/1", {State::kSucceeded, {}, {}},
                              [](db::Tx&) -> Result<void> { return internal_error("no room"); })
                   .ok());
  EXPECT_EQ(engine->status("r")->state, State::kRunning);  // nothing published, nothing ended
  EXPECT_TRUE(end("r/a/1", State::kSucceeded).ok());
  EXPECT_TRUE(end("r/a/1", State::kSucceeded).ok());
  EXPECT_EQ(published, 1);
  EXPECT_EQ(engine->status("r")->state, State::kSucceeded);
}

TEST_P(WorkflowEngineTest, AddedStepsSurviveARestart) {
  work.more["list"] = {step("x", {"list"}), step("y", {"x"})};
  work.hold = {"x"};
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", {{step("list"), step("sum", {"list"})}}).ok());
  ASSERT_TRUE(work.wait_started("r/x/1"));
  work.hold = {};
  restart();
  EXPECT_EQ(wait_end("r").state, State::kSucceeded);
  EXPECT_EQ(work.started(),
            std::vector<std::string>({"r/list/1", "r/x/1", "r/x/1", "r/y/1", "r/sum/1"}));
  expect_projection_is_the_fold("r");
}

TEST_P(WorkflowEngineTest, UndoesInReverseAcrossARestart) {
  work.refuse = {"c"};
  work.hold = {"b~undo"};
  Definition saga{{step("a"), step("b", {"a"}), step("c", {"b"})}};
  for (Step& each : saga.steps) each.compensation = Compensation{"work", {}};
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", saga).ok());
  ASSERT_TRUE(work.wait_started("r/b~undo/1"));
  work.hold = {};
  restart();
  EXPECT_EQ(wait_end("r").state, State::kFailed);
  EXPECT_EQ(work.started().back(), "r/a~undo/1");
  EXPECT_EQ(work.results("r/a~undo/1")["a"]["by"].str(), "r/a/1");
  expect_projection_is_the_fold("r");
}

TEST_P(WorkflowEngineTest, SignalsAreKeptUntilTheyAreWaitedFor) {
  work.hold = {"a"};
  Definition gate{{step("a"), step("wait", {"a"}, kSignal)}};
  gate.steps[1].params = Json::object({{"name", "go"}});
  gate.result_step = "wait";
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", gate).ok());
  ASSERT_TRUE(work.wait_started("r/a/1"));
  const auto signal = [&] {
    return db.handle("watch").write(
        [&](db::Tx& tx) { return engine->signal(tx, "r", "go", Json("now")); });
  };
  ASSERT_TRUE(signal().ok());
  work.hold = {};
  restart();
  EXPECT_EQ(wait_end("r").result.str(), "now");
  EXPECT_FALSE(signal().ok());
  expect_projection_is_the_fold("r");
}

TEST_P(WorkflowEngineTest, WaitsForATime) {
  Definition pause{{step("wait", {}, kWait), step("a", {"wait"})}};
  pause.steps[0].params = Json::object({{"us", 50'000}});
  ASSERT_TRUE(engine->start().ok());
  const auto started = SteadyClock::now();
  ASSERT_TRUE(submit("r", pause).ok());
  EXPECT_EQ(wait_end("r").state, State::kSucceeded);
  EXPECT_GE(SteadyClock::now() - started, milliseconds(50));
}

TEST_P(WorkflowEngineTest, ChildrenAreRunsOfTheirOwn) {
  Definition child{{step("inner")}};
  child.result_step = "inner";
  Definition parent{{step("outer", {}, kChild), step("last", {"outer"})}};
  parent.steps[0].params = to_json(child);
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", parent).ok());
  EXPECT_EQ(wait_end("r").state, State::kSucceeded);
  EXPECT_EQ(work.results("r/last/1")["outer"]["by"].str(), "r~outer~1/inner/1");
  EXPECT_EQ(engine->status("r~outer~1")->state, State::kSucceeded);
}

TEST_P(WorkflowEngineTest, CancelReachesChildren) {
  work.hold = {"inner"};
  Definition parent{{step("outer", {}, kChild)}};
  parent.steps[0].params = to_json({{step("inner")}});
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", parent).ok());
  ASSERT_TRUE(work.wait_started("r~outer~1/inner/1"));
  ASSERT_TRUE(cancel("r").ok());
  EXPECT_EQ(wait_end("r").state, State::kCanceled);
  EXPECT_EQ(engine->status("r~outer~1")->state, State::kCanceled);
}

TEST_P(WorkflowEngineTest, AResultIsReusedUnderItsKey) {
  Definition keyed{{step("a"), step("b", {"a"})}};
  keyed.steps[0].reuse_key = "same code, same data";
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", keyed).ok());
  ASSERT_EQ(wait_end("r").state, State::kSucceeded);
  ASSERT_TRUE(submit("s", keyed).ok());
  const RunStatus status = wait_end("s");
  EXPECT_EQ(status.steps[0].reused_from, "r/a");
  EXPECT_EQ(work.started(), std::vector<std::string>({"r/a/1", "r/b/1", "s/b/1"}));
  EXPECT_EQ(work.results("s/b/1")["a"]["by"].str(), "r/a/1");
  expect_projection_is_the_fold("s");
}

TEST_P(WorkflowEngineTest, AnEndedRunIsFoldedAndForgotten) {
  Options options;
  options.compact_after = Duration(0);
  engine = Engine::create(db.handle("workflow"), options).value();
  work.engine = engine.get();
  engine->add_executor("work", work);
  ASSERT_TRUE(submit("r", {{step("a"), step("b", {"a"})}}).ok());
  const auto rows = [&](const char* table) {
    return db.handle("workflow")
        .read([&](db::Reader& reader) {
          return reader.query_one(std::string("SELECT COUNT(*) FROM workflow_") + table);
        })
        .value()
        ->integer(0);
  };
  EXPECT_FALSE(db.handle("watch").write([&](db::Tx& tx) { return engine->forget(tx, "r"); }).ok());
  ASSERT_TRUE(engine->start().ok());
  const RunStatus before = wait_end("r");
  engine->stop();
  ASSERT_TRUE(engine->start().ok());  // looks for ended runs as it begins
  for (int i = 0; i < 1000 && rows("journal") > 0; ++i) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(rows("journal"), 0);
  EXPECT_EQ(rows("step"), 0);
  EXPECT_EQ(rows("history"), 1);
  expect_projection_is_the_fold("r");
  const RunStatus after = engine->status("r").value();
  EXPECT_EQ(after.steps[1].result, before.steps[1].result);
  EXPECT_EQ(after.steps[1].ended, before.steps[1].ended);
  EXPECT_TRUE(engine->complete("r/a/1", {State::kFailed, {}, {}}).ok());
  ASSERT_TRUE(db.handle("watch").write([&](db::Tx& tx) { return engine->forget(tx, "r"); }).ok());
  for (const char* table : {"run", "definition", "history"}) EXPECT_EQ(rows(table), 0) << table;
}

TEST_P(WorkflowEngineTest, ALostTransactionLeavesNothingBehind) {
  work.hold = {"a"};
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", {{step("a"), step("b", {"a"})}}).ok());
  ASSERT_TRUE(work.wait_started("r/a/1"));
  EXPECT_FALSE(db.handle("watch")
                   .write([&](db::Tx& tx) -> Result<void> {
                     TRY(engine->cancel(tx, "r"));
                     return internal_error("changed my mind");
                   })
                   .ok());
  ASSERT_TRUE(engine->complete("r/a/1", {State::kSucceeded, {}, {}}).ok());
  EXPECT_EQ(wait_end("r").state, State::kSucceeded);
  expect_projection_is_the_fold("r");
}

TEST_P(WorkflowEngineTest, TenThousandFanOutAndIn) {
  Definition wide{{step("in")}};
  Step join = step("out");
  for (int i = 0; i < 10'000; ++i) {
    wide.steps.push_back(step(cat({"s", std::to_string(i)}), {"in"}, "quick"));
    join.after.push_back(wide.steps.back().name);
  }
  wide.steps.push_back(join);
  class Quick : public Executor {
   public:
    Result<void> start(const Attempt& attempt) override {
      return engine->complete(attempt.id, {State::kSucceeded, {}, {}});
    }
    void cancel(const std::string&) override {}
    Engine* engine = nullptr;
  } quick;
  engine = Engine::create(db.handle("workflow")).value();  // without the observer
  quick.engine = work.engine = engine.get();
  engine->add_executor("work", work);
  engine->add_executor("quick", quick);
  ASSERT_TRUE(engine->start().ok());
  ASSERT_TRUE(submit("r", wide).ok());
  const auto deadline = SteadyClock::now() + std::chrono::seconds(60);
  while (!work.wait_started("r/out/1") && SteadyClock::now() < deadline) {
  }
  EXPECT_EQ(wait_end("r").state, State::kSucceeded);
  EXPECT_EQ(work.results("r/out/1").size(), 10'000u);
  engine->stop();
}

TEST_P(WorkflowEngineTest, ReadsWhatAnEarlierVersionWrote) {
  db::testing::TestDatabase old{GetParam(), {Engine::migrations().front()}};
  db::Database::Handle handle = old.handle("workflow");
  handle
      .write([&](db::Tx& tx) -> Result<void> {
        const std::string body = to_json({{step("a"), step("b", {"a"})}}).dump();
        TRY(tx.exec("INSERT INTO workflow_definition (hash, body) VALUES ('h', ?)", {body}));
        TRY(
            tx.exec("INSERT INTO workflow_run (id, definition, state, cancel_requested, error, "
                    "created_us, ended_us) VALUES ('r', 'h', 'Running', 0, 'null', 5, 0)"));
        TRY(
            tx.exec("INSERT INTO workflow_step (run_id, position, name, state, attempt, timed_out, "
                    "result, error, started_us, ended_us) VALUES "
                    "('r', 0, 'a', 'Running', 1, 0, 'null', 'null', 6, 0), "
                    "('r', 1, 'b', 'NotStarted', 0, 0, 'null', 'null', 0, 0)"));
        TRY(
            tx.exec("INSERT INTO workflow_journal (run_id, at_us, event, step, attempt, outcome) "
                    "VALUES ('r', 5, 'Submitted', '', 0, 'null'), ('r', 6, 'Scheduled', 'a', 1, "
                    "'null')"));
        TRY(tx.exec(
            "INSERT INTO workflow_timer (attempt_id, kind, due_us) VALUES ('r/a/1', 0, 77)"));
        return {};
      })
      .value();
  ASSERT_TRUE(old->migrate(Engine::migrations()).ok());
  const auto due = handle.read([](db::Reader& reader) {
    return reader.query_one("SELECT due_us FROM workflow_step WHERE name = 'a'");
  });
  EXPECT_EQ(due.value()->integer(0), 77);
  handle.write([](db::Tx& tx) { return tx.exec("UPDATE workflow_step SET due_us = 0"); }).value();
  engine = Engine::create(handle).value();
  work.engine = engine.get();
  engine->add_executor("work", work);
  ASSERT_TRUE(engine->start().ok());
  EXPECT_EQ(wait_end("r").state, State::kSucceeded);
  EXPECT_EQ(work.started(), std::vector<std::string>({"r/a/1", "r/b/1"}));
  engine.reset();
}

// A process that dies at a chosen write: from then on no transaction commits and no executor acts.
class MortalWorld : public Observer, public Executor {
 public:
  explicit MortalWorld(int writes_until_death) : writes_left_(writes_until_death) {}

  Result<void> on_step(db::Tx&, const std::string&, const StepStatus&) override { return alive(); }
  Result<void> on_run(db::Tx&, const RunStatus&) override { return alive(); }
  Result<void> start(const Attempt& attempt) override {
    if (dead) return {};
    {
      std::lock_guard lock(mutex);
      ++published[attempt.step.name][attempt.id];
    }
    (void)engine->complete(attempt.id, {State::kSucceeded, {}, {}});
    return {};
  }
  void cancel(const std::string&) override {}

  Engine* engine = nullptr;
  std::atomic<bool> dead = false;
  std::mutex mutex;
  std::map<std::string, std::map<std::string, int>> published;  // step → attempt id → times

 private:
  Result<void> alive() {
    if (dead || writes_left_-- == 0) dead = true;
    if (dead) return internal_error("dead");
    return {};
  }
  std::atomic<int> writes_left_;
};

class WorkflowCrashTest : public testing::TestWithParam<db::testing::Driver> {};
INSTANTIATE_TEST_SUITE_P(Drivers, WorkflowCrashTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(WorkflowCrashTest, EveryStepIsPublishedUnderOneAttemptWhereverItDies) {
  const Definition diamond{{step("a"), step("b", {"a"}), step("c", {"a"}), step("d", {"b", "c"})}};
  bool died = true;
  for (int writes = 0; died; ++writes) {
    ASSERT_LT(writes, 100);
    db::testing::TestDatabase db{GetParam(), Engine::migrations()};
    std::map<std::string, std::set<std::string>> attempts;
    died = false;
    for (const int life_writes : {writes, 1'000'000}) {
      auto engine = Engine::create(db.handle("workflow")).value();
      MortalWorld world(life_writes);
      world.engine = engine.get();
      engine->add_executor("work", world);
      engine->set_observer(world);
      ASSERT_TRUE(engine->start().ok());
      if (!engine->status("r").ok()) {
        (void)db.handle("workflow").write([&](db::Tx& tx) {
          return engine->submit(tx, "r", diamond);
        });
      }
      const auto deadline = SteadyClock::now() + std::chrono::seconds(10);
      while (!world.dead && SteadyClock::now() < deadline) {
        auto status = engine->status("r");
        if (status.ok() && is_terminal(status->state)) break;
        std::this_thread::sleep_for(milliseconds(1));
      }
      died |= world.dead;
      if (!world.dead) EXPECT_EQ(engine->status("r")->state, State::kSucceeded);
      engine->stop();
      for (const auto& [name, ids] : world.published) {
        for (const auto& [id, times] : ids) {
          EXPECT_EQ(times, 1) << id << " began twice in one life";
          attempts[name].insert(id);
        }
      }
      engine.reset();
      if (world.dead) db.reopen();
    }
    for (const char* name : {"a", "b", "c", "d"}) EXPECT_EQ(attempts[name].size(), 1u) << name;
  }
}

}  // namespace
}  // namespace lazuli::workflow
