// SPDX-License-Identifier: Apache-2.0
#include "services/runs/service.h"

#include "base/strings.h"
#include "core/events.h"
#include "services/runs/ledger.h"
#include "services/runs/routes.h"

namespace lazuli::runs {
namespace {

class Service final : public RunsService {
 public:
  Service(workspace::Workspaces& workspaces, storage::Storage& storage, assets::Assets& assets,
          identity::Identity& identity)
      : workspaces_(workspaces), storage_(storage), assets_(assets), identity_(identity) {}

  void describe(core::Manifest& manifest) const override {
    manifest.service = "runs";
    manifest.depends_on = {"workspace", "storage", "assets", "identity"};
    manifest.migrations = Store::migrations();
    for (db::Migration& migration : ModelStore::migrations())
      manifest.migrations.push_back(std::move(migration));
    Bind bind = [this](Function function) -> core::Handler {
      return [this, function](Context& context) { return function(*ledger_, context); };
    };
    describe_history(manifest, bind);
    describe_mlflow(manifest, bind, [this](Context&) { return artifact_sink(*bytes_); });
    describe_access(manifest, [this](Context& context) {
      return create_tracking_token(identity_, workspaces_, context);
    });
  }

  Result<void> start(const core::ServiceContext& context) override {
    bytes_ = &context.bytes;
    ledger_ = std::make_unique<Ledger>(context.db, workspaces_, storage_, assets_);
    context.events.attach(core::kResourceDeleted, context.db,
                          [](db::Tx& tx, const core::Event& event) -> Result<void> {
                            const std::string id = event.data["id"].text();
                            TRY(ModelStore::remove_workspaces(tx, id));
                            return Store::remove_workspaces(tx, id);
                          });
    return {};
  }
  void stop() noexcept override {}

  Result<void> create(db::Tx& tx, const Run& run) override { return ledger_->create(tx, run); }
  Result<void> set_status(db::Tx& tx, std::string_view run_id, std::string_view status,
                          const std::optional<Error>& error) override {
    return ledger_->set_status(tx, run_id, status, error);
  }
  Result<void> set_outputs(db::Tx& tx, std::string_view run_id, const Json& outputs) override {
    return ledger_->set_outputs(tx, run_id, outputs);
  }
  Result<void> set_properties(db::Tx& tx, std::string_view run_id,
                              const Json& properties) override {
    return ledger_->set_properties(tx, run_id, properties);
  }
  Result<Run> get(std::string_view workspace_id, std::string_view run_id) override {
    return ledger_->get(workspace_id, run_id);
  }
  Result<std::vector<Run>> children(std::string_view workspace_id,
                                    std::string_view run_id) override {
    return ledger_->children(workspace_id, run_id);
  }

 private:
  workspace::Workspaces& workspaces_;
  storage::Storage& storage_;
  assets::Assets& assets_;
  identity::Identity& identity_;
  bytes::Store* bytes_ = nullptr;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace

std::unique_ptr<RunsService> make_runs(workspace::Workspaces& workspaces, storage::Storage& storage,
                                       assets::Assets& assets, identity::Identity& identity) {
  return std::make_unique<Service>(workspaces, storage, assets, identity);
}

}  // namespace lazuli::runs
