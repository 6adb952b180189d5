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

// Applies an event and everything decided after it; returns the decisions as "Event:step".
std::vector<std::string> play(const Definition& definition, RunRecord& run, Event first) {
  std::vector<std::string> said;
  std::vector<Event> events{std::move(first)};
  bool decided = false;
  while (!events.empty()) {
    for (const Event& event : events) {
      apply(run, event);
      if (decided) said.push_back(std::string(to_string(event.kind)) + ":" + event.step);
    }
    events = decide(definition, run, kAt);
    decided = true;
  }
  return said;
}

std::vector<std::string> finish(const Definition& definition, RunRecord& run,
                                const std::string& name, State state) {
  StepRecord* record = run.find(name);
  const Step& of = definition.steps[record - run.steps.data()];
  Outcome outcome{state, {}, {}};
  if (state == State::kFailed) outcome.error = invalid_argument("no " + name, "UserError");
  return play(definition, run, ended(of, run, *record, std::move(outcome), kAt));
}

using Said = std::vector<std::string>;

TEST(WorkflowDecide, StartsWhatHasNoOpenPredecessor) {
  const Definition diamond{{step("a"), step("b", {"a"}), step("c", {"a"}), step("d", {"b", "c"})}};
  RunRecord run = fresh_run("r", diamond);
  EXPECT_EQ(play(diamond, run, {.at = kAt}), Said({"Scheduled:a"}));
  EXPECT_EQ(finish(diamond, run, "a", State::kSucceeded), Said({"Scheduled:b", "Scheduled:c"}));
  EXPECT_EQ(finish(diamond, run, "c", State::kSucceeded), Said());
  EXPECT_EQ(finish(diamond, run, "b", State::kSucceeded), Said({"Scheduled:d"}));
  EXPECT_EQ(finish(diamond, run, "d", State::kSucceeded), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kSucceeded);
}

TEST(WorkflowDecide, FailureStopsTheOtherBranches) {
  const Definition two{{step("a"), step("b"), step("c", {"b"})}};
  RunRecord run = fresh_run("r", two);
  play(two, run, {.at = kAt});
  EXPECT_EQ(finish(two, run, "a", State::kFailed),
            Said({"StepCancelRequested:b", "StepSkipped:c"}));
  EXPECT_EQ(finish(two, run, "b", State::kCanceled), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kFailed);
  EXPECT_EQ(run.error->message, "no a");
}

TEST(WorkflowDecide, OtherBranchesGoOnWhereAsked) {
  Definition two{{step("a"), step("b"), step("after_a", {"a"}), step("after_b", {"b"})}};
  two.continue_on_failure = true;
  RunRecord run = fresh_run("r", two);
  play(two, run, {.at = kAt});
  EXPECT_EQ(finish(two, run, "a", State::kFailed), Said({"StepSkipped:after_a"}));
  EXPECT_EQ(finish(two, run, "b", State::kSucceeded), Said({"Scheduled:after_b"}));
  EXPECT_EQ(finish(two, run, "after_b", State::kSucceeded), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kFailed);
}

TEST(WorkflowDecide, SkippingReachesTheWholeBranch) {
  Definition chain{{step("c", {"b"}), step("b", {"a"}), step("a")}};
  chain.continue_on_failure = true;
  RunRecord run = fresh_run("r", chain);
  play(chain, run, {.at = kAt});
  EXPECT_EQ(finish(chain, run, "a", State::kFailed),
            Said({"StepSkipped:b", "StepSkipped:c", "RunEnded:"}));
}

TEST(WorkflowDecide, CancelEndsRunningStepsAndStartsNone) {
  const Definition chain{{step("a"), step("b", {"a"})}};
  RunRecord run = fresh_run("r", chain);
  play(chain, run, {.at = kAt});
  EXPECT_EQ(play(chain, run, {.kind = EventKind::kCancelRequested, .at = kAt}),
            Said({"StepCancelRequested:a", "StepSkipped:b"}));
  EXPECT_EQ(run.state, State::kCancelRequested);
  EXPECT_EQ(finish(chain, run, "a", State::kCanceled), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kCanceled);
}

TEST(WorkflowDecide, CancelThatComesTooLateChangesNothing) {
  const Definition one{{step("a")}};
  RunRecord run = fresh_run("r", one);
  play(one, run, {.at = kAt});
  play(one, run, {.kind = EventKind::kCancelRequested, .at = kAt});
  finish(one, run, "a", State::kSucceeded);
  EXPECT_EQ(run.state, State::kSucceeded);
}

TEST(WorkflowDecide, FailedAttemptIsRepeatedUpToTheLimit) {
  const Definition one{{step("a", {}, 2)}};
  RunRecord run = fresh_run("r", one);
  play(one, run, {.at = kAt});
  EXPECT_EQ(finish(one, run, "a", State::kFailed), Said({"Scheduled:a"}));
  EXPECT_EQ(run.find("a")->status.attempt, 2);
  EXPECT_EQ(finish(one, run, "a", State::kFailed), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kFailed);
}

TEST(WorkflowDecide, CancelledAttemptIsNotRepeated) {
  const Definition one{{step("a", {}, 5)}};
  RunRecord run = fresh_run("r", one);
  play(one, run, {.at = kAt});
  play(one, run, {.kind = EventKind::kCancelRequested, .at = kAt});
  EXPECT_EQ(finish(one, run, "a", State::kFailed), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kCanceled);
}

TEST(WorkflowDecide, TimeoutIsAFailureWhateverTheStepSays) {
  Definition one{{step("a")}};
  one.steps[0].timeout = std::chrono::seconds(3);
  RunRecord run = fresh_run("r", one);
  play(one, run, {.at = kAt});
  play(one, run, {EventKind::kStepTimedOut, "a", 1, {}, kAt});
  EXPECT_EQ(run.find("a")->status.state, State::kCancelRequested);
  EXPECT_EQ(finish(one, run, "a", State::kCanceled), Said({"RunEnded:"}));
  EXPECT_EQ(run.state, State::kFailed);
  EXPECT_EQ(run.error->wire_code, "JobTimedOut");
}

TEST(WorkflowDefinition, RefusesWhatCannotRun) {
  EXPECT_FALSE(check_definition({}).ok());
  EXPECT_FALSE(check_definition({{step("a"), step("a")}}).ok());
  EXPECT_FALSE(check_definition({{step("a", {"b"})}}).ok());
  EXPECT_FALSE(check_definition({{step("a", {"b"}), step("b", {"a"})}}).ok());
  EXPECT_FALSE(check_definition({{step("a", {}, 0)}}).ok());
  EXPECT_TRUE(check_definition({{step("b", {"a"}), step("a")}}).ok());
}

TEST(WorkflowDefinition, SurvivesItsStoredForm) {
  Definition definition{{step("a"), step("x/b", {"a"}, 3)}, true};
  definition.steps[1].timeout = std::chrono::seconds(5);
  definition.steps[1].params = Json::object({{"k", 1}});
  const Json json = definition_to_json(definition);
  EXPECT_EQ(definition_to_json(definition_from_json(json)), json);
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
