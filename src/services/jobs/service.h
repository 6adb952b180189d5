// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"
#include "services/jobs/peers.h"

namespace lazuli::jobs {

class JobsService : public core::Service {};

// The engines under it: open when the service starts, and owned by who opened them.
struct Engines {
  std::unique_ptr<workflow::Engine> workflow;
  std::unique_ptr<compute::Engine> compute;
  std::unique_ptr<compute::Environments> environments;
};

// Command and pipeline jobs of workspaces. The service registers its executor, observer and exit
// listener with the engines, starts them in start() once everything that they may call back is
// there, and stops them in stop(). Their migrations (workflow::Engine::migrations) are the caller's
// to apply.
std::unique_ptr<JobsService> make_jobs(workspace::Workspaces& workspaces, assets::Assets& assets,
                                       runs::Runs& runs, storage::Storage& storage,
                                       identity::Identity& identity, const Engines& engines);

}  // namespace lazuli::jobs
