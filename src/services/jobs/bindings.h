// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lazuli::jobs {

// What a `${{path}}` stands for: text, nothing (an optional input without a value), or an error
// that names the unknown path.
using Lookup = std::function<Result<std::optional<std::string>>(std::string_view path)>;

// Replaces every `${{path}}`, and keeps or drops every `$[[…]]` block: it disappears when something
// in it has no value. Outside of a block that is an error. Replaced text is not looked at again.
Result<std::string> expand(std::string_view text, const Lookup& lookup);

// The path where the text is one binding and nothing else.
std::optional<std::string> sole_binding(std::string_view text);
bool has_binding(std::string_view text);

// "parent.jobs.{node}.outputs.{output}", taken apart; dots may be part of the output's name.
struct JobOutputPath {
  std::string node, output;
};
std::optional<JobOutputPath> parse_job_output(std::string_view path);

// What follows `prefix` ("parent.inputs."), or nothing.
std::optional<std::string> after_prefix(std::string_view path, std::string_view prefix);

Error unknown_binding(std::string_view path, std::string_view where);

}  // namespace lazuli::jobs
