// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/definition.h"

#include <array>

#include "base/strings.h"
#include "services/jobs/bindings.h"
#include "services/jobs/plan_parts.h"

namespace lazuli::jobs {
namespace {

// azure-ai-ml _restclient/*/models: JobType. Known, and not there yet.
constexpr std::array<std::string_view, 7> kOtherTypes = {"AutoML",     "Sweep", "Spark", "Labeling",
                                                         "FineTuning", "Base",  "Ray"};

Result<CommandSpec> command_of(const Resolver& resolver, const PlanRequest& request) {
  constexpr std::string_view kWhat = "The job";
  const Json& given = request.properties;
  TRY(check_supported(given, kWhat));
  CommandSpec spec{.job_id = request.job_id,
                   .root_id = request.job_id,
                   .workspace_id = resolver.workspace().arm_id,
                   .experiment_name = given["experimentName"].text(),
                   .command = given["command"].text(),
                   .object_id = request.object_id,
                   .created_by = request.created_by,
                   .submitted = now()};
  if (trim(spec.command).empty()) return invalid_argument("The job has no command.", "UserError");
  TRY(resolver.compute(given["computeId"].str()));
  spec.identity = TRY(resolver.identity(given["identity"], given["computeId"].str(), kWhat));
  const auto environment = TRY(resolver.environment(given["environmentId"].str()));
  spec.environment_id = environment.id;
  spec.image = environment.image;
  spec.conda_file = environment.conda_file;
  spec.code_uri = TRY(resolver.code(given["codeId"].str()));
  const std::string datastore = TRY(resolver.datastore({}));
  for (const Json::Member& input : given["inputs"].members()) {
    spec.inputs.push_back(TRY(input_of(resolver, input.key, input.value)));
  }
  for (const Json::Member& output : given["outputs"].members()) {
    spec.outputs.push_back(TRY(
        output_of(resolver, datastore, request.job_id, output.key, output.value, "uri_folder")));
  }
  spec.environment_variables = TRY(environment_variables(given, kWhat));
  spec.timeout = TRY(timeout_of(given, kWhat));
  TRY(check_bindings(spec, kWhat));
  return spec;
}

Result<Plan> plan_command(const Resolver& resolver, const PlanRequest& request) {
  const CommandSpec spec = TRY(command_of(resolver, request));
  Plan plan;
  plan.definition.steps.push_back({.name = std::string(kCommandStep),
                                   .kind = std::string(kCommandStep),
                                   .params = to_json(spec)});
  PlannedJob planned;
  planned.job.id = planned.job.root_id = request.job_id;
  planned.job.step = kCommandStep;
  planned.job.type = kCommand;
  planned.run_type = "azureml.commandjob";
  planned.run_inputs = run_inputs_of(spec.inputs);
  planned.run_properties = Json::object({{"_azureml.ComputeTargetType", "local"}});
  plan.jobs.push_back(std::move(planned));
  return plan;
}

// What every job has, whatever its type.
Result<void> fill_root(const Resolver& resolver, const PlanRequest& request, Plan& plan) {
  const Json& given = request.properties;
  PlannedJob& root = plan.jobs.front();
  root.display_name = given["displayName"].text();
  if (root.display_name.empty()) root.display_name = request.job_id;
  root.description = given["description"].text();
  if (given["tags"].is_object()) root.tags = given["tags"];
  for (const Json::Member& property : given["properties"].members()) {
    root.run_properties.set(property.key, property.value);
  }
  root.job.properties = given;
  const Timestamp time = now();
  for (PlannedJob& planned : plan.jobs) {
    planned.job.workspace_id = resolver.workspace().arm_id;
    planned.job.created_by = request.created_by;
    planned.job.created = time;
    planned.job.properties.set("experimentName", given["experimentName"]);
  }
  return {};
}

}  // namespace

Result<Plan> plan_job(const Resolver& resolver, const PlanRequest& original) {
  PlanRequest request = original;
  const std::string type = request.properties["jobType"].text();
  if (request.properties["experimentName"].text().empty()) {
    request.properties.set("experimentName", "Default");
  }
  for (const std::string_view other : kOtherTypes) {
    if (!iequals(type, other)) continue;
    return unimplemented(
        cat({"Jobs of type '", type, "' are not available yet; Command and Pipeline are."}),
        "JobTypeNotSupported");
  }
  const bool command = iequals(type, "Command");
  if (!command && !iequals(type, "Pipeline")) {
    return invalid_argument(
        cat({"'", type, "' is no type of job: jobType is Command or Pipeline."}), "UserError");
  }
  Plan plan = TRY(command ? plan_command(resolver, request) : plan_pipeline(resolver, request));
  TRY(fill_root(resolver, request, plan));
  return plan;
}

}  // namespace lazuli::jobs
