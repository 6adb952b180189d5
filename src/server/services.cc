// SPDX-License-Identifier: Apache-2.0
#include "server/services.h"

#include "server/health.h"
#include "services/resources/service.h"

namespace lazuli::server {

Services::Services(const core::Installation& installation) {
  identity = identity::make_identity(installation);
  resources = resources::make_resources(installation);
  storage = storage::make_storage();
  workspace = workspace::make_workspace(*storage);
  assets = assets::make_assets(*workspace, *storage);
  runs = runs::make_runs(*workspace, *storage, *assets, *identity);
  jobs = jobs::make_jobs(*workspace, *assets, *runs, *storage, *identity, engines);
  health = make_health(installation, "");
}

Services::~Services() = default;

std::vector<core::Service*> Services::all() {
  return {identity.get(), resources.get(), storage.get(), workspace.get(),
          assets.get(),   runs.get(),      jobs.get(),    health.get()};
}

Authenticators Services::authenticators() {
  return {&identity->bearer_authenticator(), &storage->shared_key_authenticator(),
          &storage->sas_authenticator(), nullptr};
}

std::vector<db::Migration> Services::engine_migrations() { return workflow::Engine::migrations(); }

Result<void> Services::open_engines(const core::Installation& installation,
                                    db::Database& database) {
  engines.workflow = TRY(workflow::Engine::create(database.handle("workflow")));
  engines.compute = TRY(compute::Engine::create(
      {installation.data_dir + "/processes", installation.executable, installation.relay_socket}));
  engines.environments = compute::Environments::create(installation.data_dir + "/environments");
  return {};
}

}  // namespace lazuli::server
