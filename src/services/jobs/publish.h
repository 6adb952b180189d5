// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engines/compute/compute.h"
#include "engines/workflow/workflow.h"
#include "services/jobs/model.h"
#include "services/jobs/peers.h"
#include "services/jobs/prepare.h"

namespace lazuli::jobs {

// How a process's end reads for the user: the outcome without results, with the last lines of its
// log where it failed.
workflow::Outcome outcome_of(const compute::ProcessStatus& status, const CommandSpec& spec,
                             const std::string& log_file);

// Uploads ./outputs and ./logs to the job's artifacts. Repeating it changes nothing.
Result<void> publish_artifacts(const Context& context, const CommandSpec& spec,
                               const Scratch& scratch);

// Uploads the named outputs of a process that succeeded, then, in one transaction and once per
// attempt however often it is repeated, registers assets and records the outputs of all jobs that
// show them. Returns the attempt's result.
Result<Json> publish_outputs(const Context& context, const CommandSpec& spec,
                             const Scratch& scratch, const std::string& attempt_id);

}  // namespace lazuli::jobs
