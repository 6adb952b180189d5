// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "services/jobs/definition.h"

namespace lazuli::jobs {

// What command jobs and pipelines plan alike. Field names are taken in both spellings: ARM's
// camelCase, and the snake_case inside pipeline nodes and components.

// A member by either name; null when absent.
const Json& field(const Json& object, std::string_view camel, std::string_view snake);

// Refuses what would silently run differently here: several nodes, launchers, interactive services.
Result<void> check_supported(const Json& job, std::string_view what);

Result<Duration> timeout_of(const Json& job, std::string_view what);
Result<std::map<std::string, std::string>> environment_variables(const Json& job,
                                                                 std::string_view what);

// Whether a name can be an input's or output's.
Result<void> check_name(const char* what, const std::string& name);

// An input given by value or place: {"jobInputType", "value" | "uri"}.
Result<InputSpec> input_of(const Resolver& resolver, const std::string& name, const Json& json);

// An output of a job: its type, where it goes, and under which name it is registered.
Result<OutputSpec> output_of(const Resolver& resolver, const std::string& datastore,
                             const std::string& job_id, const std::string& name, const Json& json,
                             const std::string& type_default);

// Checks that every binding of the command and of its variables can be expanded.
Result<void> check_bindings(const CommandSpec& spec, std::string_view what);

// A value for a component's parameter: its type, range and choice.
Result<void> check_parameter(const std::string& name, const Json& parameter,
                             const std::string& value, std::string_view what);

// Inputs and outputs in ARM's form, for the resource of a job that no client sent.
Json arm_inputs(const std::vector<InputSpec>& inputs);
Json arm_outputs(const std::vector<OutputSpec>& outputs);

Json run_inputs_of(const std::vector<InputSpec>& inputs);

Result<Plan> plan_pipeline(const Resolver& resolver, const PlanRequest& request);

}  // namespace lazuli::jobs
