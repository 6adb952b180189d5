// SPDX-License-Identifier: Apache-2.0
#include "services/resources/service.h"

#include <algorithm>

#include "core/events.h"
#include "services/resources/deployment_runner.h"
#include "services/resources/groups.h"
#include "services/resources/locks.h"
#include "services/resources/routes.h"

namespace lazuli::resources {
namespace {

class Resources final : public ResourcesService {
 public:
  Resources(const core::Installation& installation, workflow::Engine& workflow,
            authorization::Authorization& authorization)
      : groups_(installation), parts_{installation}, workflow_(workflow) {
    parts_.authorization = &authorization;
  }
  ~Resources() override { Resources::stop(); }

  void describe(core::Manifest& manifest) const override {
    manifest.service = "resources";
    manifest.depends_on = {"authorization"};
    manifest.migrations = Store::migrations();
    for (const auto& more : {DeploymentStore::migrations(), LockStore::migrations()})
      manifest.migrations.insert(manifest.migrations.end(), more.begin(), more.end());
    std::ranges::sort(manifest.migrations, {}, &db::Migration::number);
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
    parts_.events = &context.events;
    parts_.vault = &context.vault;
    parts_.deployments = std::make_unique<DeploymentStore>(context.db);
    parts_.lock_store = std::make_unique<LockStore>(context.db);
    parts_.locks = &locks_;
    TRY(locks_.load(*parts_.lock_store));
    parts_.runner =
        std::make_unique<DeploymentRunner>(parts_, workflow_, context.vault, *parts_.deployments);
    workflow_.add_executor(DeploymentRunner::kStepKind, *parts_.runner);
    workflow_.set_observer(*parts_.runner, DeploymentRunner::kRunPrefix);
    TRY(ensure_home());
    groups_.open(*parts_.store);
    context.events.attach(core::kResourceDeleted, context.db,
                          [this](db::Tx& tx, const core::Event& event) {
                            return forget_below(tx, event.data["id"].text());
                          });
    parts_.runner->begin();
    return {};
  }

  core::Guard& locks() override { return locks_; }
  core::ResourceGroups& groups() override { return groups_; }

  void stop() noexcept override {
    if (parts_.runner) parts_.runner->end();
  }

 private:
  Result<void> ensure_home() {
    const core::Installation& home = parts_.installation;
    TRY(parts_.store->stop_deleting(home.subscription_id));
    if (TRY(parts_.store->find(home.subscription_id, home.resource_group))) return {};
    TRY(parts_.store->put({home.subscription_id, home.resource_group, home.region}));
    return {};
  }

  // Locks end with what they held.
  Result<void> forget_below(db::Tx& tx, const std::string& scope) {
    TRY(LockStore::erase_below(tx, scope));
    tx.after_commit([this, scope] { locks_.forget_below(scope); });
    return {};
  }

  Locks locks_;
  Groups groups_;
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
