// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/service.h"
#include "core/vault.h"
#include "db/db.h"
#include "services/directory/api.h"
#include "services/storage/api.h"
#include "services/workspace/api.h"
#include "services/workspace/model.h"

namespace lazuli::workspace {

inline constexpr std::string_view kDefaultCompute = "cpu-cluster";
inline constexpr std::string_view kServerless = "serverless";  // reserved, not a compute to make

// Workspaces and what belongs to them, with the rules. Thread-safe.
class Registry : public Workspaces {
 public:
  Registry(const core::ServiceContext& context, storage::Storage& storage,
           directory::Identities& identities);

  // The workspace every installation has; made at the first start, completed at every one.
  Result<void> ensure_default();

  Result<Workspace> get(std::string_view arm_id) override;
  Result<Datastore> datastore(std::string_view workspace_id, std::string_view name) override;
  Result<Datastore> default_datastore(std::string_view workspace_id) override;
  Result<storage::BlobPath> resolve_uri(std::string_view workspace_id, std::string_view uri,
                                        const Authority& authority) override;
  std::string datastore_uri(std::string_view workspace_id, std::string_view datastore,
                            std::string_view path) const override;
  Result<void> check_compute(std::string_view workspace_id, std::string_view compute) override;

  // A new workspace on an account that is there, with that identity; completed like the first one.
  Result<WorkspaceRow> create(WorkspaceRow row, const directory::WantedIdentity& identity);
  // Containers and datastores; what is there already is left alone.
  Result<void> ensure_contents(const WorkspaceRow& workspace);
  Result<void> ensure_identities();

  // What a deleted resource of Azure Resource Manager takes along, within the transaction that
  // deletes it: the workspaces at or below its id. What other services hold in them ends by the
  // same event.
  Result<void> remove_at(db::Tx& tx, const std::string& resource_id);

  // Within the transaction that writes the row.
  Result<void> give_identity(db::Tx& tx, WorkspaceRow& row,
                             const directory::WantedIdentity& wanted);

  // For the handlers; kNotFound "ResourceNotFound" with Azure's words.
  Result<WorkspaceRow> find(std::string_view subscription, std::string_view group,
                            std::string_view name);
  Result<DatastoreRow> find_datastore(const WorkspaceRow& workspace, std::string_view name);
  Result<ComputeRow> find_compute(const WorkspaceRow& workspace, std::string_view name);
  // Built-in serverless included.
  Result<std::vector<ComputeRow>> computes(const WorkspaceRow& workspace);

  const core::Installation& installation() const { return installation_; }
  const db::Database::Handle& db() const { return db_; }
  storage::Storage& storage() { return storage_; }
  core::Operations& operations() { return operations_; }
  core::Events& events() { return events_; }
  core::ResourceGroups& groups() { return groups_; }
  core::Vault& vault() { return vault_; }
  core::Authorizer& authorizer() { return authorizer_; }
  directory::Identities& identities() { return identities_; }
  std::string storage_account_id(const WorkspaceRow& workspace) const;

 private:
  Result<WorkspaceRow> find_by_id(std::string_view arm_id);
  Result<storage::BlobPath> in_datastore(const WorkspaceRow& workspace, std::string_view name,
                                         std::string path, const Authority& authority);
  Result<void> check_authority(const WorkspaceRow& workspace, std::string_view text,
                               const storage::BlobPath& path, const Authority& authority);

  const core::Installation& installation_;
  db::Database::Handle db_;
  core::Operations& operations_;
  core::Events& events_;
  core::ResourceGroups& groups_;
  core::Vault& vault_;
  core::Authorizer& authorizer_;
  storage::Storage& storage_;
  directory::Identities& identities_;
};

}  // namespace lazuli::workspace
