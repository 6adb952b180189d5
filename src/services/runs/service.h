// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"
#include "services/assets/api.h"
#include "services/identity/api.h"
#include "services/runs/api.h"
#include "services/storage/api.h"
#include "services/workspace/api.h"

namespace lazuli::runs {

class RunsService : public core::Service, public Runs {};

// Run history and MLflow tracking, two front ends on one registry of runs.
std::unique_ptr<RunsService> make_runs(workspace::Workspaces& workspaces, storage::Storage& storage,
                                       assets::Assets& assets, identity::Identity& identity);

}  // namespace lazuli::runs
