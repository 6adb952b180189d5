// SPDX-License-Identifier: Apache-2.0
#include "services/resources/service.h"

#include "services/resources/deployment_runner.h"
#include "services/resources/locks.h"
#include "services/resources/routes.h"

namespace lazuli::resources {
namespace {

class Resources final : public ResourcesService {
 public:
  Resources(const core::Installation& installation, workflow::Engine& workflow,
            authorization::Authorization& authorization)
      : parts_{installation}, workflow_(workflow) {
    parts_.authorization = &authorization;
  }
  ~Resources() override { Resources::stop(); }

  void describe(core::Manifest& manifest) const override {
    manifest.service = "resources";
    manifest.depends_on = {"authorization"};
    manifest.migrations = Store::migrations();
    for (const auto& more : {DeploymentStore::migrations(), LockStore::migrations()})
      manifest.migrations.insert(manifest.migrations.end(), more.begin(), more.end());
    manifest.resource_types = {{"Microsoft.Resources/resourceGroups", {"2024-03-01"}, {}},
                               {"Microsoft.Resources/subscriptions", {"2022-12-01"}, {}},
                               {"Microsoft.Resources/deployments", {"2024-03-01"}, {}},
                               {"Microsoft.Resources/tags", {"2022-09-01"}, {}},
                               {"Microsoft.Authorization/locks", {"2020-05-01"}, {}}};
    describe_routes(manifest, parts_);
  }

  Result<void> start(const core::ServiceContext& context) override {
    parts_.store = std::make_unique<Store>(context.db);
    parts_.operations = &context.operations;
    parts_.dispatcher = &context.dispatcher;
    parts_.audit = &context.audit;
    parts_.vault = &context.vault;
    parts_.deployments = std::make_unique<DeploymentStore>(context.db);
    parts_.lock_store = std::make_unique<LockStore>(context.db);
    parts_.locks = &locks_;
    TRY(locks_.load(*parts_.lock_store));
    parts_.runner =
        std::make_unique<DeploymentRunner>(parts_, workflow_, context.vault, *parts_.deployments);
    workflow_.add_executor(DeploymentRunner::kStepKind, *parts_.runner);
    workflow_.set_observer(*parts_.runner, DeploymentRunner::kRunPrefix);
    TRY(parts_.store->put({parts_.installation.subscription_id, parts_.installation.resource_group,
                           parts_.installation.region}));
    parts_.runner->begin();
    return {};
  }

  core::Guard& locks() override { return locks_; }

  void stop() noexcept override {
    if (parts_.runner) parts_.runner->end();
  }

 private:
  Locks locks_;
  Parts parts_;
  workflow::Engine& workflow_;
};

}  // namespace

std::unique_ptr<ResourcesService> make_resources(const core::Installation& installation,
                                                 workflow::Engine& workflow,
                                                 authorization::Authorization& authorization) {
  return std::make_unique<Resources>(installation, workflow, authorization);
}

}  // namespace lazuli::resources
