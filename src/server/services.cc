// SPDX-License-Identifier: Apache-2.0
#include "server/services.h"

#include <cstdlib>

#include "base/files.h"
#include "base/ids.h"
#include "base/strings.h"
#include "server/health.h"
#include "server/setup.h"

namespace lazuli::server {
namespace {

// Several data directories of one machine may share what takes minutes to install.
std::string environments_folder(const core::Installation& installation) {
  const char* shared = std::getenv("LAZULI_ENVIRONMENTS");
  return shared != nullptr ? shared : installation.data_dir + "/environments";
}

// What tells this server from others on the same database, after restarts too.
Result<std::string> node_name(const std::string& folder) {
  const std::string path = folder + "/node";
  if (auto kept = read_file(path); kept.ok() && !trim(*kept).empty()) {
    return std::string(trim(*kept));
  }
  const std::string name = random_name(12);
  TRY(write_file_durably(path, name));
  return name;
}

}  // namespace

Result<void> Services::make_engines(const core::Installation& installation,
                                    db::Database& database) {
  workflow = TRY(workflow::Engine::create(
      database.handle("workflow"),
      {.node = TRY(node_name(installation.data_dir)), .shared = database.is_shared()}));
  compute::Options options;
  options.folder = installation.data_dir + "/compute";
  options.executable = installation.executable;
  options.relay_socket = installation.relay_socket;
  compute = TRY(compute::Engine::create(std::move(options)));
  environments = compute::Environments::create(environments_folder(installation));
  inference = inference::Engine::create();
  return {};
}

Result<std::unique_ptr<Services>> Services::create(const core::Installation& installation,
                                                   db::Database& database) {
  std::unique_ptr<Services> made(new Services());
  TRY(made->make_engines(installation, database));
  Services& s = *made;
  s.directory = directory::make_directory(installation);
  s.identity = identity::make_identity(installation, *s.directory);
  s.authorization = authorization::make_authorization(installation, s.directory.get());
  s.resources = resources::make_resources(installation, *s.workflow, *s.authorization);
  s.storage = storage::make_storage();
  s.declared = declared::make_declared(installation, *s.storage, *s.directory);
  s.workspace = workspace::make_workspace(*s.storage, *s.directory);
  s.assets = assets::make_assets(*s.workspace, *s.storage);
  s.runs = runs::make_runs(*s.workspace, *s.storage, *s.assets, *s.identity);
  s.schedules = schedules::make_schedules(*s.workspace, *s.workflow);
  s.jobs = jobs::make_jobs({*s.workspace, *s.assets, *s.runs, *s.storage, *s.identity, *s.workflow,
                            *s.compute, *s.environments, *s.directory});
  s.endpoints = endpoints::make_endpoints(*s.workspace, *s.assets, *s.storage, *s.identity,
                                          *s.directory, *s.inference);
  s.setup = make_setup(installation, *s.directory, *s.authorization);
  s.health = make_health(installation, s.compute->isolation());
  return made;
}

std::vector<core::Service*> Services::all() {
  return {identity.get(), directory.get(), authorization.get(), resources.get(), storage.get(),
          declared.get(), workspace.get(), assets.get(),        runs.get(),      schedules.get(),
          jobs.get(),     endpoints.get(), setup.get(),         health.get()};
}

Authenticators Services::authenticators() {
  return {&identity->bearer_authenticator(), &storage->shared_key_authenticator(),
          &storage->sas_authenticator(), &endpoints->key_authenticator()};
}

std::vector<core::Guard*> Services::guards() { return {&resources->locks()}; }

std::vector<db::Migration> Services::engine_migrations() { return workflow::Engine::migrations(); }

}  // namespace lazuli::server
