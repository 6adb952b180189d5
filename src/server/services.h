// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/service.h"
#include "server/chain.h"
#include "services/assets/service.h"
#include "services/identity/service.h"
#include "services/jobs/service.h"
#include "services/runs/service.h"
#include "services/storage/service.h"
#include "services/workspace/service.h"

namespace lazuli::server {

// Engines and services of one server. A new service is one member and one line in services.cc.
struct Services {
  explicit Services(const core::Installation& installation);
  ~Services();

  std::vector<core::Service*> all();  // in the order of construction: peers first
  Authenticators authenticators();
  // Engines that need the database or folders: before any service starts.
  Result<void> open_engines(const core::Installation& installation, db::Database& database);
  static std::vector<db::Migration> engine_migrations();

  std::unique_ptr<identity::IdentityService> identity;
  std::unique_ptr<core::Service> resources;
  std::unique_ptr<storage::StorageService> storage;
  std::unique_ptr<workspace::WorkspaceService> workspace;
  std::unique_ptr<assets::AssetsService> assets;
  std::unique_ptr<runs::RunsService> runs;
  jobs::Engines engines;
  std::unique_ptr<jobs::JobsService> jobs;  // starts and stops the engines
  std::unique_ptr<core::Service> health;
};

}  // namespace lazuli::server
