// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/service.h"
#include "engines/compute/compute.h"
#include "engines/compute/environment.h"
#include "engines/inference/inference.h"
#include "engines/workflow/workflow.h"
#include "server/chain.h"
#include "services/assets/service.h"
#include "services/authorization/service.h"
#include "services/declared/service.h"
#include "services/directory/service.h"
#include "services/endpoints/service.h"
#include "services/identity/service.h"
#include "services/jobs/service.h"
#include "services/resources/service.h"
#include "services/runs/service.h"
#include "services/schedules/service.h"
#include "services/storage/service.h"
#include "services/workspace/service.h"

namespace lazuli::server {

// Engines and services of one server, in the order in which they need each other. A new service is
// one member and two lines in services.cc.
struct Services {
  static Result<std::unique_ptr<Services>> create(const core::Installation& installation,
                                                  db::Database& database);

  std::vector<core::Service*> all();
  Authenticators authenticators();
  // What the chain asks beyond permissions, in order.
  std::vector<core::Guard*> guards();
  static std::vector<db::Migration> engine_migrations();

  std::unique_ptr<workflow::Engine> workflow;
  std::unique_ptr<compute::Engine> compute;
  std::unique_ptr<compute::Environments> environments;
  std::unique_ptr<inference::Engine> inference;

  std::unique_ptr<directory::DirectoryService> directory;
  std::unique_ptr<identity::IdentityService> identity;
  std::unique_ptr<authorization::AuthorizationService> authorization;
  std::unique_ptr<resources::ResourcesService> resources;
  std::unique_ptr<storage::StorageService> storage;
  std::unique_ptr<core::Service> declared;
  std::unique_ptr<workspace::WorkspaceService> workspace;
  std::unique_ptr<assets::AssetsService> assets;
  std::unique_ptr<runs::RunsService> runs;
  std::unique_ptr<core::Service> schedules;  // before jobs, which starts the workflow engine
  std::unique_ptr<jobs::JobsService> jobs;
  std::unique_ptr<endpoints::EndpointsService> endpoints;
  std::unique_ptr<core::Service> setup;
  std::unique_ptr<core::Service> health;

 private:
  Services() = default;
  Result<void> make_engines(const core::Installation& installation, db::Database& database);
};

}  // namespace lazuli::server
