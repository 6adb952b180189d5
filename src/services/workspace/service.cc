// SPDX-License-Identifier: Apache-2.0
#include "services/workspace/service.h"

#include "core/arm.h"
#include "core/events.h"
#include "services/workspace/registry.h"
#include "services/workspace/store.h"

namespace lazuli::workspace {

WorkspaceService::WorkspaceService(storage::Storage& storage, directory::Identities& identities)
    : storage_(storage), identities_(identities) {}
WorkspaceService::~WorkspaceService() = default;

Result<void> WorkspaceService::start(const core::ServiceContext& context) {
  auto registry = std::make_unique<Registry>(context, storage_, identities_);
  TRY(registry->ensure_default());
  context.events.attach(core::kResourceDeleted, context.db,
                        [made = registry.get()](db::Tx& tx, const core::Event& event) {
                          return made->remove_at(tx, event.data["id"].text());
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
