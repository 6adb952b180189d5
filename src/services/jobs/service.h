// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"
#include "services/jobs/peers.h"

namespace lazuli::jobs {

class JobsService : public core::Service {};

// Command and pipeline jobs of workspaces. The service registers its executor, observer and exit
// listener with the engines it is given, starts both engines in start() once everything that they
// may call back is there, and stops them in stop(). Their migrations (workflow::Engine::migrations)
// are the caller's to apply.
std::unique_ptr<JobsService> make_jobs(const Peers& peers);

}  // namespace lazuli::jobs
