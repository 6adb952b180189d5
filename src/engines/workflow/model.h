// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engines/workflow/workflow.h"

namespace lazuli::workflow {

inline constexpr size_t kStepsMax = 100'000;  // of one run, with those added while it runs

std::optional<State> parse_state(std::string_view text);

// The forms kept in the database.
Json error_to_json(const std::optional<Error>& error);  // null for none
std::optional<Error> error_from_json(const Json& json);
Json steps_to_json(const std::vector<Step>& steps);
std::vector<Step> steps_from_json(const Json& json);
Definition definition_from_json(const Json& json);

// Names unique, predecessors and lanes known, no cycle, sizes within bounds.
Result<void> check_definition(const Definition& definition);
// One step by itself.
Result<void> check_step(const Step& step);

// Whether the engine carries the step out itself.
bool is_built_in(const Step& step);

// "{run}/{step}/{attempt}"; a run's id holds no '/', a step's name may.
struct AttemptId {
  std::string run_id, step;
  int number = 0;
};
std::string attempt_id(std::string_view run_id, std::string_view step, int number);
std::optional<AttemptId> parse_attempt_id(std::string_view text);

}  // namespace lazuli::workflow
