// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/service.h"
#include "db/db.h"
#include "engines/compute/compute.h"
#include "engines/compute/environment.h"
#include "engines/workflow/workflow.h"
#include "services/assets/api.h"
#include "services/directory/api.h"
#include "services/identity/api.h"
#include "services/runs/api.h"
#include "services/storage/api.h"
#include "services/workspace/api.h"

namespace lazuli::jobs {

// Who the jobs service works with. All outlive it.
struct Peers {
  workspace::Workspaces& workspaces;
  assets::Assets& assets;
  runs::Runs& runs;
  storage::Storage& storage;
  identity::Identity& identity;
  workflow::Engine& workflow;
  compute::Engine& compute;
  compute::Environments& environments;
  directory::Directory& directory;
};

// The peers, and what a started service has of its own.
struct Context {
  Peers peers;
  db::Database::Handle db;
  const core::Installation& installation;
  core::Events& events;
  core::Authorizer& authorizer;
};

}  // namespace lazuli::jobs
