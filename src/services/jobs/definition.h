// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engines/workflow/workflow.h"
#include "services/jobs/model.h"
#include "services/jobs/resolver.h"

namespace lazuli::jobs {

// The kind of workflow step that runs a command.
inline constexpr std::string_view kCommandStep = "command";

struct PlanRequest {
  std::string job_id;
  Json properties;  // ARM's job properties as the client sent them
  std::string object_id, created_by;
};

struct PlannedJob {
  Job job;
  std::string display_name, description;
  std::string run_type;
  Json tags = Json::object();
  Json run_properties = Json::object();
  Json run_inputs = Json::object();  // {name: {assetId, type}} of data inputs
};

// What a submitted job comes to: the jobs it consists of, itself first, and the workflow that runs
// them. Everything it names has been looked up; what cannot run is refused here, with the reason.
struct Plan {
  std::vector<PlannedJob> jobs;
  workflow::Definition definition;
};
Result<Plan> plan_job(const Resolver& resolver, const PlanRequest& request);

}  // namespace lazuli::jobs
