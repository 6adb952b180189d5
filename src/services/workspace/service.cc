// SPDX-License-Identifier: Apache-2.0
#include "services/workspace/service.h"

#include "core/arm.h"
#include "core/events.h"
#include "services/workspace/registry.h"
#include "services/workspace/store.h"

namespace lazuli::workspace {

namespace {

// A group with a workspace in it stays, as a workspace does.
Result<void> refuse_to_go(db::Tx& tx, const std::string& id) {
  const core::ArmId parsed = TRY(core::ArmId::parse(id));
  if (!parsed.provider.empty() || parsed.resource_group.empty()) return {};
  auto inside = TRY(store::list_workspaces(tx, parsed.subscription, parsed.resource_group));
  if (inside.empty()) return {};
  return unimplemented("deleting workspaces (Workspaces_Delete) is known but not implemented yet");
}

}  // namespace

WorkspaceService::WorkspaceService(storage::Storage& storage, directory::Identities& identities)
    : storage_(storage), identities_(identities) {}
WorkspaceService::~WorkspaceService() = default;

Result<void> WorkspaceService::start(const core::ServiceContext& context) {
  auto registry = std::make_unique<Registry>(context, storage_, identities_);
  TRY(registry->ensure_default());
  context.events.attach(core::kResourceDeleted, context.db,
                        [](db::Tx& tx, const core::Event& event) {
                          return refuse_to_go(tx, event.data["id"].text());
                        });
  registry_ = std::move(registry);
  return {};
}

Result<Registry*> WorkspaceService::registry() const {
  if (!registry_) return unavailable("the workspace service has not started");
  return registry_.get();
}

Result<Workspace> WorkspaceService::get(std::string_view id) { return TRY(registry())->get(id); }

Result<Datastore> WorkspaceService::datastore(std::string_view workspace_id,
                                              std::string_view name) {
  return TRY(registry())->datastore(workspace_id, name);
}

Result<Datastore> WorkspaceService::default_datastore(std::string_view workspace_id) {
  return TRY(registry())->default_datastore(workspace_id);
}

Result<storage::BlobPath> WorkspaceService::resolve_uri(std::string_view workspace_id,
                                                        std::string_view uri,
                                                        const Authority& authority) {
  return TRY(registry())->resolve_uri(workspace_id, uri, authority);
}

std::string WorkspaceService::datastore_uri(std::string_view workspace_id,
                                            std::string_view datastore,
                                            std::string_view path) const {
  CHECK(registry_ != nullptr);
  return registry_->datastore_uri(workspace_id, datastore, path);
}

Result<void> WorkspaceService::check_compute(std::string_view workspace_id,
                                             std::string_view compute) {
  return TRY(registry())->check_compute(workspace_id, compute);
}

std::unique_ptr<WorkspaceService> make_workspace(storage::Storage& storage,
                                                 directory::Identities& identities) {
  return std::make_unique<WorkspaceService>(storage, identities);
}

}  // namespace lazuli::workspace
