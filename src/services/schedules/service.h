// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"
#include "engines/workflow/workflow.h"
#include "services/workspace/api.h"

namespace lazuli::schedules {

// Schedules of workspaces: cron expressions and recurrences that submit jobs. Registers its
// executor with the workflow engine, which is started by whoever comes last.
std::unique_ptr<core::Service> make_schedules(workspace::Workspaces& workspaces,
                                              workflow::Engine& workflow);

}  // namespace lazuli::schedules
