// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"
#include "services/directory/api.h"
#include "services/storage/api.h"
#include "services/workspace/api.h"

namespace lazuli::workspace {

class Registry;

// Workspaces with their datastores and computes. Calls before start() fail with kUnavailable.
class WorkspaceService : public core::Service, public Workspaces {
 public:
  WorkspaceService(storage::Storage& storage, directory::Identities& identities);
  ~WorkspaceService() override;

  void describe(core::Manifest& manifest) const override;
  Result<void> start(const core::ServiceContext& context) override;
  void stop() noexcept override {}

  Result<Workspace> get(std::string_view arm_id) override;
  Result<Datastore> datastore(std::string_view workspace_id, std::string_view name) override;
  Result<Datastore> default_datastore(std::string_view workspace_id) override;
  Result<storage::BlobPath> resolve_uri(std::string_view workspace_id, std::string_view uri,
                                        const Authority& authority) override;
  std::string datastore_uri(std::string_view workspace_id, std::string_view datastore,
                            std::string_view path) const override;
  Result<void> check_compute(std::string_view workspace_id, std::string_view compute) override;

 private:
  Result<Registry*> registry() const;
  storage::Storage& storage_;
  directory::Identities& identities_;
  std::unique_ptr<Registry> registry_;
};

std::unique_ptr<WorkspaceService> make_workspace(storage::Storage& storage,
                                                 directory::Identities& identities);

}  // namespace lazuli::workspace
