// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/decide.h"

#include <gtest/gtest.h>

#include "engines/workflow/model.h"

namespace lazuli::workflow {
namespace {

const Timestamp kAt = from_micros(1'000'000);

Step step(std::string name, std::vector<std::string> after = {}, int attempts_max = 1) {
  return {std::move(name), "test", {}, std::move(after), attempts_max, Duration(0)};
}

// What follows from an event, as "Event:step".
std::vector<std::string> tell(RunRecord& run, Event first) {
  std::vector<std::string> said;
  const std::vector<Event> events = play(run, std::move(first));
  for (size_t i = 1; i < events.size(); ++i) {
    said.push_back(std::string(to_string(events[i].kind)) + ":" + events[i].step);
  }
  return said;
}

std::vector<std::string> finish(RunRecord& run, const std::string& name, Outcome outcome) {
  if (outcome.state == State::kFailed && !outcome.error) {
    outcome.error = invalid_argument("no " + name, "UserError");
  }
  return tell(run, ended(run, *run.find(name), std::move(outcome), kAt));
}
std::vector<std::string> finish(RunRecord& run, const std::string& name, State state) {
  return finish(run, name, Outcome{state, {}, {}});
}
std::vector<std::string> begin(RunRecord& run) { return tell(run, {.at = kAt}); }

using Said = std::vector<std::string>;

TEST(WorkflowDecide, StartsWhatHasNoOpenPredecessor) {
  const Definition diamond{{step("a"), step("b", {"a"}), step("c", {"a"}), step("d", {"b", "c"})}};
  RunRecord run = fresh_run("r", diamond);
  EXPECT_EQ(begin(run), Said({"Scheduled:a"}));
  EXPECT_EQ(finish(run, "a", State::kSucceeded), Said({"Scheduled:b", "Scheduled:c"}));
  EXPECT_EQ(finish(run, "c", State::kSucceeded), Said());
  EXPECT_EQ(finish(run, "b", State::kSucceeded), Said({"Scheduled:d"}));
  EXPECT_EQ(finish(run, "d", State::kSucceeded), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kSucceeded);
}

TEST(WorkflowDecide, FailureStopsTheOtherBranches) {
  const Definition two{{step("a"), step("b"), step("c", {"b"})}};
  RunRecord run = fresh_run("r", two);
  begin(run);
  EXPECT_EQ(finish(run, "a", State::kFailed), Said({"StepCancelRequested:b", "StepCanceled:c"}));
  EXPECT_EQ(finish(run, "b", State::kCanceled), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kFailed);
  EXPECT_EQ(run.error->message, "no a");
}

TEST(WorkflowDecide, OtherBranchesGoOnWhereAsked) {
  Definition two{{step("a"), step("b"), step("after_a", {"a"}), step("after_b", {"b"})}};
  two.continue_on_failure = true;
  RunRecord run = fresh_run("r", two);
  begin(run);
  EXPECT_EQ(finish(run, "a", State::kFailed), Said({"StepSkipped:after_a"}));
  EXPECT_EQ(finish(run, "b", State::kSucceeded), Said({"Scheduled:after_b"}));
  EXPECT_EQ(finish(run, "after_b", State::kSucceeded), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kFailed);
}

TEST(WorkflowDecide, SkippingReachesTheWholeBranch) {
  Definition chain{{step("c", {"b"}), step("b", {"a"}), step("a")}};
  chain.continue_on_failure = true;
  RunRecord run = fresh_run("r", chain);
  begin(run);
  EXPECT_EQ(finish(run, "a", State::kFailed),
            Said({"StepSkipped:b", "StepSkipped:c", "RunEnded:"}));
}

TEST(WorkflowDecide, CancelEndsRunningStepsAndStartsNone) {
  const Definition chain{{step("a"), step("b", {"a"})}};
  RunRecord run = fresh_run("r", chain);
  begin(run);
  EXPECT_EQ(tell(run, {.kind = EventKind::kCancelRequested, .at = kAt}),
            Said({"StepCancelRequested:a", "StepCanceled:b"}));
  EXPECT_EQ(run.state, State::kCancelRequested);
  EXPECT_EQ(finish(run, "a", State::kCanceled), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kCanceled);
}

TEST(WorkflowDecide, CancelThatComesTooLateChangesNothing) {
  const Definition one{{step("a")}};
  RunRecord run = fresh_run("r", one);
  begin(run);
  tell(run, {.kind = EventKind::kCancelRequested, .at = kAt});
  finish(run, "a", State::kSucceeded);
  EXPECT_EQ(run.state, State::kSucceeded);
}

TEST(WorkflowDecide, FailedAttemptIsRepeatedUpToTheLimit) {
  const Definition one{{step("a", {}, 2)}};
  RunRecord run = fresh_run("r", one);
  begin(run);
  EXPECT_EQ(finish(run, "a", State::kFailed), Said({"Scheduled:a"}));
  EXPECT_EQ(run.find("a")->status.attempt, 2);
  EXPECT_EQ(finish(run, "a", State::kFailed), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kFailed);
}

TEST(WorkflowDecide, CancelledAttemptIsNotRepeated) {
  const Definition one{{step("a", {}, 5)}};
  RunRecord run = fresh_run("r", one);
  begin(run);
  tell(run, {.kind = EventKind::kCancelRequested, .at = kAt});
  EXPECT_EQ(finish(run, "a", State::kFailed), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kCanceled);
}

TEST(WorkflowDecide, TimeoutIsAFailureWhateverTheStepSays) {
  Definition one{{step("a")}};
  one.steps[0].timeout = std::chrono::seconds(3);
  RunRecord run = fresh_run("r", one);
  begin(run);
  tell(run, {EventKind::kStepTimedOut, "a", 1, {}, kAt});
  EXPECT_EQ(run.find("a")->status.state, State::kCancelRequested);
  EXPECT_EQ(finish(run, "a", State::kCanceled), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kFailed);
  EXPECT_EQ(run.error->wire_code, "JobTimedOut");
}

TEST(WorkflowDecide, PausesGrowBetweenAttempts) {
  Definition one{{step("a", {}, 4)}};
  one.steps[0].backoff = {std::chrono::seconds(1), 3, std::chrono::seconds(5)};
  RunRecord run = fresh_run("r", one);
  begin(run);
  Timestamp at = kAt;
  for (const int pause : {1, 3, 5}) {
    Event failed = ended(run, run.steps[0], {State::kFailed, {}, internal_error("x")}, at);
    play(run, failed);
    EXPECT_EQ(run.steps[0].status.state, State::kNotStarted);
    EXPECT_EQ(run.steps[0].due, at + std::chrono::seconds(pause));
    EXPECT_FALSE(due_event(run, run.steps[0], at).has_value());
    at = run.steps[0].due;
    EXPECT_EQ(tell(run, due_event(run, run.steps[0], at).value()), Said({"Scheduled:a"}));
  }
  EXPECT_EQ(finish(run, "a", State::kFailed), Said({"RunEnded:"}));
}

TEST(WorkflowDecide, AFailureThatCannotBeMendedIsFinal) {
  RunRecord run = fresh_run("r", {{step("a", {}, 4)}});
  begin(run);
  EXPECT_EQ(finish(run, "a", Outcome{State::kFailed, {}, {}, false}), Said({"RunEnded:"}));
}

TEST(WorkflowDecide, AFailureThatIsWaitedForIsHandled) {
  Definition caught{{step("try"), step("catch", {"try"}), step("then", {"try"}),
                     step("finally", {"catch", "then"})}};
  caught.steps[1].accept["try"] = {.succeeded = false, .failed = true};
  for (const char* before : {"catch", "then"}) {
    caught.steps[3].accept[before] = {.skipped = true};
  }
  RunRecord run = fresh_run("r", caught);
  begin(run);
  EXPECT_EQ(finish(run, "try", State::kFailed), Said({"Scheduled:catch", "StepSkipped:then"}));
  EXPECT_EQ(finish(run, "catch", State::kSucceeded), Said({"Scheduled:finally"}));
  finish(run, "finally", State::kSucceeded);
  EXPECT_EQ(run.state, State::kSucceeded);
  RunRecord fine = fresh_run("r", caught);
  begin(fine);
  EXPECT_EQ(finish(fine, "try", State::kSucceeded), Said({"StepSkipped:catch", "Scheduled:then"}));
  finish(fine, "then", State::kSucceeded);
  finish(fine, "finally", State::kSucceeded);
  EXPECT_EQ(fine.state, State::kSucceeded);
}

TEST(WorkflowDecide, AnyOfManyIsEnough) {
  Definition any{{step("a"), step("b"), step("c", {"a", "b"})}, true};
  any.steps[2].need = Need::kAny;
  RunRecord run = fresh_run("r", any);
  begin(run);
  EXPECT_EQ(finish(run, "a", State::kFailed), Said());
  EXPECT_EQ(finish(run, "b", State::kSucceeded), Said({"Scheduled:c"}));
}

TEST(WorkflowDecide, ALaneLetsFewRunAtOnce) {
  Definition many{{step("a"), step("b"), step("c"), step("d")}};
  many.lanes["two"] = 2;
  for (Step& each : many.steps) each.lane = "two";
  RunRecord run = fresh_run("r", many);
  EXPECT_EQ(begin(run), Said({"Scheduled:a", "Scheduled:b"}));
  EXPECT_EQ(finish(run, "b", State::kSucceeded), Said({"Scheduled:c"}));
  RunRecord again = run;  // as if read from the database
  recount(again);
  EXPECT_EQ(finish(again, "a", State::kSucceeded), Said({"Scheduled:d"}));
}

TEST(WorkflowDecide, AStepAddsStepsThatItsSuccessorsWaitFor) {
  RunRecord run = fresh_run("r", {{step("list"), step("sum", {"list"})}});
  begin(run);
  Outcome outcome{State::kSucceeded, {}, {}};
  outcome.more = {step("x", {"list"}), step("y", {"x"}), step("z")};
  EXPECT_EQ(finish(run, "list", outcome), Said({"StepEnded:list", "Scheduled:x", "Scheduled:z"}));
  EXPECT_EQ(finish(run, "z", State::kSucceeded), Said());
  EXPECT_EQ(finish(run, "x", State::kSucceeded), Said({"Scheduled:y"}));
  EXPECT_EQ(finish(run, "y", State::kSucceeded), Said({"Scheduled:sum"}));
  EXPECT_EQ(finish(run, "sum", State::kSucceeded), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kSucceeded);
}

TEST(WorkflowDecide, AStepThatAddsNonsenseFails) {
  for (const char* wrong : {"list", "sum"}) {  // a name that is there; a circle
    RunRecord run = fresh_run("r", {{step("list"), step("sum", {"list"})}});
    begin(run);
    Outcome outcome{State::kSucceeded, {}, {}};
    outcome.more = {wrong == std::string("list") ? step("list") : step("x", {"sum"})};
    finish(run, "list", outcome);
    EXPECT_EQ(run.state, State::kFailed) << wrong;
  }
}

TEST(WorkflowDecide, WhatSucceededIsUndoneInReverse) {
  Definition saga{{step("a"), step("b", {"a"}), step("c", {"b"})}};
  for (Step& each : saga.steps) each.compensation = Compensation{"undo", {}};
  RunRecord run = fresh_run("r", saga);
  begin(run);
  finish(run, "a", State::kSucceeded);
  finish(run, "b", State::kSucceeded);
  EXPECT_EQ(finish(run, "c", State::kFailed), Said({"Undoing:", "Scheduled:b~undo"}));
  EXPECT_EQ(tell(run, {.kind = EventKind::kCancelRequested, .at = kAt}), Said());
  EXPECT_EQ(finish(run, "b~undo", State::kSucceeded), Said({"Scheduled:a~undo"}));
  EXPECT_EQ(finish(run, "a~undo", State::kSucceeded), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kFailed);
}

TEST(WorkflowDecide, SignalsMayComeBeforeTheyAreWaitedFor) {
  Definition gate{{step("a"), step("wait", {"a"}), step("b", {"wait"})}};
  gate.steps[1].kind = kSignal;
  gate.steps[1].params = Json::object({{"name", "go"}});
  const auto signal = [] {
    Event event{.kind = EventKind::kSignalled, .at = kAt};
    event.body = Json::object({{"name", "go"}, {"payload", 7}});
    return event;
  };
  RunRecord early = fresh_run("r", gate);
  begin(early);
  EXPECT_EQ(tell(early, signal()), Said());
  EXPECT_EQ(finish(early, "a", State::kSucceeded),
            Said({"Scheduled:wait", "StepEnded:wait", "Scheduled:b"}));
  EXPECT_TRUE(early.signals.empty());
  RunRecord late = fresh_run("r", gate);
  begin(late);
  finish(late, "a", State::kSucceeded);
  EXPECT_EQ(tell(late, signal()), Said({"StepEnded:wait", "Scheduled:b"}));
  EXPECT_EQ(late.find("wait")->status.result.integer(), 7);
}

TEST(WorkflowDecide, ALostAttemptIsReplacedWithoutCounting) {
  RunRecord run = fresh_run("r", {{step("a")}});
  begin(run);
  EXPECT_EQ(tell(run, lost_event(run, run.steps[0], kAt).value()), Said({"Scheduled:a"}));
  EXPECT_EQ(run.steps[0].status.attempt, 2);
  for (int i = 0; i < 20 && !is_terminal(run.state); ++i) {
    tell(run, lost_event(run, run.steps[0], kAt).value());
  }
  EXPECT_EQ(run.state, State::kFailed);  // it takes its nodes down with it
}

TEST(WorkflowDecide, ARunHasItsTime) {
  Definition slow{{step("a"), step("b", {"a"})}};
  slow.timeout = std::chrono::seconds(2);
  RunRecord run = fresh_run("r", slow);
  begin(run);
  EXPECT_EQ(run.due, kAt + std::chrono::seconds(2));
  EXPECT_EQ(tell(run, {.kind = EventKind::kRunTimedOut, .at = run.due}),
            Said({"StepCancelRequested:a", "StepCanceled:b"}));
  finish(run, "a", State::kCanceled);
  EXPECT_EQ(run.state, State::kFailed);
  EXPECT_EQ(run.error->wire_code, "JobTimedOut");
}

TEST(WorkflowDecide, TenThousandFanOutAndIn) {
  Definition wide{{step("in")}};
  Step join = step("out");
  for (int i = 0; i < 10'000; ++i) {
    wide.steps.push_back(step("s" + std::to_string(i), {"in"}));
    join.after.push_back(wide.steps.back().name);
  }
  wide.steps.push_back(join);
  ASSERT_TRUE(check_definition(wide).ok());
  RunRecord run = fresh_run("r", wide);
  begin(run);
  EXPECT_EQ(finish(run, "in", State::kSucceeded).size(), 10'000u);
  const auto started = SteadyClock::now();
  for (int i = 0; i < 10'000; ++i) {
    const size_t said = finish(run, "s" + std::to_string(i), State::kSucceeded).size();
    EXPECT_EQ(said, i == 9'999 ? 1u : 0u);
  }
  EXPECT_LT(SteadyClock::now() - started, std::chrono::seconds(2));
  finish(run, "out", State::kSucceeded);
  EXPECT_EQ(run.state, State::kSucceeded);
}

TEST(WorkflowDefinition, RefusesWhatCannotRun) {
  EXPECT_FALSE(check_definition({}).ok());
  EXPECT_FALSE(check_definition({{step("a"), step("a")}}).ok());
  EXPECT_FALSE(check_definition({{step("a", {"b"})}}).ok());
  EXPECT_FALSE(check_definition({{step("a", {"b"}), step("b", {"a"})}}).ok());
  EXPECT_FALSE(check_definition({{step("a", {}, 0)}}).ok());
  Definition laneless{{step("a")}};
  laneless.steps[0].lane = "nowhere";
  EXPECT_FALSE(check_definition(laneless).ok());
  EXPECT_TRUE(check_definition({{step("b", {"a"}), step("a")}}).ok());
}

TEST(WorkflowDefinition, SurvivesItsStoredForm) {
  Definition definition{{step("a"), step("x/b", {"a"}, 3)}, true};
  definition.steps[1].timeout = std::chrono::seconds(5);
  definition.steps[1].params = Json::object({{"k", 1}});
  definition.steps[1].accept["a"] = {.succeeded = false, .failed = true};
  definition.steps[1].need = Need::kAny;
  definition.steps[1].backoff = {std::chrono::seconds(1), 3, std::chrono::seconds(9)};
  definition.steps[1].lane = "few";
  definition.steps[1].compensation = Compensation{"undo", Json::object({{"u", 2}})};
  definition.steps[1].reuse_key = "key";
  definition.lanes["few"] = 2;
  definition.timeout = std::chrono::hours(1);
  definition.result_step = "a";
  const Json json = to_json(definition);
  EXPECT_EQ(to_json(definition_from_json(json)), json);
}

TEST(WorkflowAttemptId, HoldsStepNamesWithSlashes) {
  const auto id = parse_attempt_id(attempt_id("run", "outer/inner", 7));
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->run_id, "run");
  EXPECT_EQ(id->step, "outer/inner");
  EXPECT_EQ(id->number, 7);
  EXPECT_FALSE(parse_attempt_id("run/step").has_value());
  EXPECT_FALSE(parse_attempt_id("run/step/x").has_value());
}

}  // namespace
}  // namespace lazuli::workflow
