// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/model.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/strings.h"

namespace lazuli::workflow {
namespace {

constexpr size_t kStepsMax = 10000;
constexpr int kAttemptsMax = 1000;
constexpr std::array<std::string_view, 6> kStateNames = {"NotStarted", "Running", "CancelRequested",
                                                         "Succeeded",  "Failed",  "Canceled"};

Result<void> check_names(const Definition& definition,
                         std::unordered_map<std::string_view, size_t>& index) {
  for (size_t i = 0; i < definition.steps.size(); ++i) {
    const Step& step = definition.steps[i];
    if (step.name.empty()) return invalid_argument("A workflow step has no name.");
    if (!index.emplace(step.name, i).second) {
      return invalid_argument(cat({"Two workflow steps are named '", step.name, "'."}));
    }
    if (step.attempts_max < 1 || step.attempts_max > kAttemptsMax) {
      return invalid_argument(cat({"Step '", step.name, "': attempts must be 1 to 1000."}));
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

Json definition_to_json(const Definition& definition) {
  Json steps = Json::array();
  for (const Step& step : definition.steps) {
    steps.push_back(Json::object({{"name", step.name},
                                  {"kind", step.kind},
                                  {"params", step.params},
                                  {"after", Json::strings(step.after)},
                                  {"attemptsMax", step.attempts_max},
                                  {"timeoutUs", step.timeout.count()}}));
  }
  return Json::object(
      {{"continueOnFailure", definition.continue_on_failure}, {"steps", std::move(steps)}});
}

Definition definition_from_json(const Json& json) {
  Definition definition;
  definition.continue_on_failure = json["continueOnFailure"].boolean();
  for (const Json& item : json["steps"].items()) {
    Step step{.name = std::string(item["name"].str()),
              .kind = std::string(item["kind"].str()),
              .params = item["params"],
              .attempts_max = static_cast<int>(item["attemptsMax"].integer(1)),
              .timeout = Duration(item["timeoutUs"].integer())};
    for (const Json& before : item["after"].items()) step.after.emplace_back(before.str());
    definition.steps.push_back(std::move(step));
  }
  return definition;
}

// Kahn's algorithm: what is left over when every step without open predecessors is taken is a
// cycle.
Result<void> check_definition(const Definition& definition) {
  if (definition.steps.empty()) return invalid_argument("A workflow needs at least one step.");
  if (definition.steps.size() > kStepsMax) {
    return invalid_argument("A workflow may have 10000 steps at most.");
  }
  std::unordered_map<std::string_view, size_t> index;
  TRY(check_names(definition, index));
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
  if (!number || *number < 1 || *number > kAttemptsMax) return std::nullopt;
  return AttemptId{std::string(text.substr(0, first)),
                   std::string(text.substr(first + 1, last - first - 1)),
                   static_cast<int>(*number)};
}

}  // namespace lazuli::workflow
