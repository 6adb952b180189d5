// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engines/workflow/workflow.h"

namespace lazuli::workflow {

std::optional<State> parse_state(std::string_view text);

// The forms kept in the database.
Json error_to_json(const std::optional<Error>& error);  // null for none
std::optional<Error> error_from_json(const Json& json);
Json definition_to_json(const Definition& definition);
Definition definition_from_json(const Json& json);

// Names unique, predecessors known, no cycle, sizes within bounds.
Result<void> check_definition(const Definition& definition);

// "{run}/{step}/{attempt}"; a run's id holds no '/', a step's name may.
struct AttemptId {
  std::string run_id, step;
  int number = 0;
};
std::string attempt_id(std::string_view run_id, std::string_view step, int number);
std::optional<AttemptId> parse_attempt_id(std::string_view text);

}  // namespace lazuli::workflow
