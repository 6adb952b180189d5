// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/context.h"
#include "services/jobs/model.h"
#include "services/jobs/peers.h"

namespace lazuli::jobs {

// Letters, digits, '-' and '_', first a letter or digit, 255 at most: what ARM takes as a job's
// name.
Result<void> check_job_name(const std::string& name);

std::string job_arm_id(const Job& job);

// The ARM resource of a job: what was sent, with status and metadata of its run.
// azure-ai-ml entities/_job/job.py (_from_rest_object) says what is read.
Json present(const core::RequestContext& request, const Context& context, const Job& job,
             const runs::Run& run);

}  // namespace lazuli::jobs
