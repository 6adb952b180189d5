// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/model.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/strings.h"

namespace lazuli::workflow {
namespace {

constexpr int kAttemptsMax = 1000;
constexpr int kAttemptNumberMax = 1'000'000;  // lost ones are counted, too
constexpr size_t kTextMax = 512;              // of names, lanes and keys
constexpr std::array<std::string_view, 6> kStateNames = {"NotStarted", "Running", "CancelRequested",
                                                         "Succeeded",  "Failed",  "Canceled"};

Result<void> check_names(const Definition& definition,
                         std::unordered_map<std::string_view, size_t>& index) {
  for (size_t i = 0; i < definition.steps.size(); ++i) {
    const Step& step = definition.steps[i];
    TRY(check_step(step));
    if (!index.emplace(step.name, i).second) {
      return invalid_argument(cat({"Two workflow steps are named '", step.name, "'."}));
    }
    if (!step.lane.empty() && !definition.lanes.contains(step.lane)) {
      return invalid_argument(
          cat({"Step '", step.name, "' runs in the lane '", step.lane, "', which is not there."}));
    }
  }
  for (const Step& step : definition.steps) {
    for (const std::string& before : step.after) {
      if (index.contains(before)) continue;
      return invalid_argument(
          cat({"Step '", step.name, "' comes after '", before, "', which is not there."}));
    }
  }
  return {};
}

Json ends_to_json(const Ends& ends) {
  Json json = Json::array();
  if (ends.succeeded) json.push_back("Succeeded");
  if (ends.failed) json.push_back("Failed");
  if (ends.skipped) json.push_back("Skipped");
  if (ends.canceled) json.push_back("Canceled");
  return json;
}

Ends ends_from_json(const Json& json) {
  Ends ends{false, false, false, false};
  for (const Json& item : json.items()) {
    ends.succeeded |= item.str() == "Succeeded";
    ends.failed |= item.str() == "Failed";
    ends.skipped |= item.str() == "Skipped";
    ends.canceled |= item.str() == "Canceled";
  }
  return ends;
}

// What has its usual value is left out, so that equal definitions of any age have equal hashes.
void add_rarer_parts(Json& json, const Step& step) {
  Json accept = Json::object();
  for (const auto& [name, ends] : step.accept) accept.set(name, ends_to_json(ends));
  if (!accept.empty()) json.set("accept", std::move(accept));
  if (step.need == Need::kAny) json.set("need", "any");
  if (step.backoff.first.count() > 0) {
    json.set("backoff", Json::object({{"firstUs", step.backoff.first.count()},
                                      {"factor", step.backoff.factor},
                                      {"mostUs", step.backoff.most.count()}}));
  }
  if (!step.lane.empty()) json.set("lane", step.lane);
  if (step.compensation) {
    json.set("compensation", Json::object({{"kind", step.compensation->kind},
                                           {"params", step.compensation->params}}));
  }
  if (!step.reuse_key.empty()) json.set("reuseKey", step.reuse_key);
}

void read_rarer_parts(Step& step, const Json& json) {
  for (const Json::Member& member : json["accept"].members()) {
    step.accept[member.key] = ends_from_json(member.value);
  }
  if (json["need"].str() == "any") step.need = Need::kAny;
  if (const Json* backoff = json.find("backoff")) {
    step.backoff = {Duration((*backoff)["firstUs"].integer()), (*backoff)["factor"].number(),
                    Duration((*backoff)["mostUs"].integer())};
  }
  step.lane = std::string(json["lane"].str());
  if (const Json* compensation = json.find("compensation")) {
    step.compensation =
        Compensation{std::string((*compensation)["kind"].str()), (*compensation)["params"]};
  }
  step.reuse_key = std::string(json["reuseKey"].str());
}

}  // namespace

bool is_terminal(State state) {
  return state == State::kSucceeded || state == State::kFailed || state == State::kCanceled;
}

std::string_view to_string(State state) { return kStateNames[static_cast<size_t>(state)]; }

std::optional<State> parse_state(std::string_view text) {
  const auto found = std::find(kStateNames.begin(), kStateNames.end(), text);
  if (found == kStateNames.end()) return std::nullopt;
  return static_cast<State>(found - kStateNames.begin());
}

Json error_to_json(const std::optional<Error>& error) {
  if (!error) return {};
  Json json = Json::object({{"status", static_cast<int>(error->code)},
                            {"code", error->wire_code},
                            {"message", error->message},
                            {"target", error->target}});
  Json details = Json::array();
  for (const Error& detail : error->details) details.push_back(error_to_json(detail));
  if (!details.empty()) json.set("details", std::move(details));
  return json;
}

std::optional<Error> error_from_json(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  Error error{.code = static_cast<Code>(json["status"].integer()),
              .wire_code = std::string(json["code"].str()),
              .message = std::string(json["message"].str()),
              .target = std::string(json["target"].str())};
  for (const Json& detail : json["details"].items()) {
    if (auto inner = error_from_json(detail)) error.details.push_back(std::move(*inner));
  }
  return error;
}

Json steps_to_json(const std::vector<Step>& steps) {
  Json json = Json::array();
  for (const Step& step : steps) {
    Json item = Json::object({{"name", step.name},
                              {"kind", step.kind},
                              {"params", step.params},
                              {"after", Json::strings(step.after)},
                              {"attemptsMax", step.attempts_max},
                              {"timeoutUs", step.timeout.count()}});
    add_rarer_parts(item, step);
    json.push_back(std::move(item));
  }
  return json;
}

std::vector<Step> steps_from_json(const Json& json) {
  std::vector<Step> steps;
  for (const Json& item : json.items()) {
    Step step{.name = std::string(item["name"].str()),
              .kind = std::string(item["kind"].str()),
              .params = item["params"],
              .attempts_max = static_cast<int>(item["attemptsMax"].integer(1)),
              .timeout = Duration(item["timeoutUs"].integer())};
    for (const Json& before : item["after"].items()) step.after.emplace_back(before.str());
    read_rarer_parts(step, item);
    steps.push_back(std::move(step));
  }
  return steps;
}

Json to_json(const Definition& definition) {
  Json json = Json::object({{"continueOnFailure", definition.continue_on_failure},
                            {"steps", steps_to_json(definition.steps)}});
  if (definition.timeout.count() > 0) json.set("timeoutUs", definition.timeout.count());
  Json lanes = Json::object();
  for (const auto& [name, max] : definition.lanes) lanes.set(name, max);
  if (!lanes.empty()) json.set("lanes", std::move(lanes));
  if (!definition.result_step.empty()) json.set("resultStep", definition.result_step);
  return json;
}

Definition definition_from_json(const Json& json) {
  Definition definition;
  definition.continue_on_failure = json["continueOnFailure"].boolean();
  definition.steps = steps_from_json(json["steps"]);
  definition.timeout = Duration(json["timeoutUs"].integer());
  for (const Json::Member& member : json["lanes"].members()) {
    definition.lanes[member.key] = static_cast<int>(member.value.integer());
  }
  definition.result_step = std::string(json["resultStep"].str());
  return definition;
}

bool is_built_in(const Step& step) {
  return step.kind == kWait || step.kind == kSignal || step.kind == kChild;
}

Result<void> check_step(const Step& step) {
  if (step.name.empty()) return invalid_argument("A workflow step has no name.");
  const auto wrong = [&](std::string_view what) {
    return invalid_argument(cat({"Step '", step.name, "': ", what}));
  };
  if (step.name.size() > kTextMax || step.reuse_key.size() > kTextMax) {
    return wrong("its name or reuse key is too long.");
  }
  if (step.attempts_max < 1 || step.attempts_max > kAttemptsMax) {
    return wrong("attempts must be 1 to 1000.");
  }
  if (step.timeout.count() < 0 || step.backoff.first.count() < 0) {
    return wrong("a time is negative.");
  }
  if (step.backoff.factor < 1 || step.backoff.most < step.backoff.first) {
    return wrong("pauses before attempts cannot shrink.");
  }
  if (step.kind == kWait && step.params["us"].integer(-1) < 0) {
    return wrong("it does not say how long to wait.");
  }
  if (step.kind == kSignal && step.params["name"].str().empty()) {
    return wrong("it does not say which signal it waits for.");
  }
  if (step.compensation && step.compensation->kind.empty()) {
    return wrong("its compensation has no kind.");
  }
  for (const auto& [before, ends] : step.accept) {
    if (std::find(step.after.begin(), step.after.end(), before) == step.after.end()) {
      return wrong(cat({"it accepts ends of '", before, "', but does not come after it."}));
    }
  }
  return {};
}

// Kahn's algorithm: what is left over when every step without open predecessors is taken is a
// cycle.
Result<void> check_definition(const Definition& definition) {
  if (definition.steps.empty()) return invalid_argument("A workflow needs at least one step.");
  if (definition.steps.size() > kStepsMax) {
    return invalid_argument(
        cat({"A workflow may have ", std::to_string(kStepsMax), " steps at most."}));
  }
  for (const auto& [name, max] : definition.lanes) {
    if (max < 1) return invalid_argument(cat({"The lane '", name, "' lets nothing run."}));
  }
  std::unordered_map<std::string_view, size_t> index;
  TRY(check_names(definition, index));
  if (!definition.result_step.empty() && !index.contains(definition.result_step)) {
    return invalid_argument(
        cat({"The result's step '", definition.result_step, "' is not there."}));
  }
  std::vector<size_t> open(definition.steps.size());
  std::vector<std::vector<size_t>> next(definition.steps.size());
  std::vector<size_t> ready;
  for (size_t i = 0; i < definition.steps.size(); ++i) {
    open[i] = definition.steps[i].after.size();
    if (open[i] == 0) ready.push_back(i);
    for (const std::string& before : definition.steps[i].after) next[index[before]].push_back(i);
  }
  for (size_t taken = 0; taken < ready.size(); ++taken) {
    for (const size_t i : next[ready[taken]]) {
      if (--open[i] == 0) ready.push_back(i);
    }
  }
  if (ready.size() == definition.steps.size()) return {};
  const auto stuck = std::find_if(open.begin(), open.end(), [](size_t count) { return count > 0; });
  return invalid_argument(cat({"The steps wait for each other in a circle (see '",
                               definition.steps[stuck - open.begin()].name, "')."}));
}

std::string attempt_id(std::string_view run_id, std::string_view step, int number) {
  return cat({run_id, "/", step, "/", std::to_string(number)});
}

std::optional<AttemptId> parse_attempt_id(std::string_view text) {
  const size_t first = text.find('/');
  const size_t last = text.rfind('/');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  const auto number = parse_int(text.substr(last + 1));
  if (!number || *number < 1 || *number > kAttemptNumberMax) return std::nullopt;
  return AttemptId{std::string(text.substr(0, first)),
                   std::string(text.substr(first + 1, last - first - 1)),
                   static_cast<int>(*number)};
}

}  // namespace lazuli::workflow
