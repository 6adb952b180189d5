// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/events.h"
#include "services/assets/kinds.h"
#include "services/assets/store.h"
#include "services/storage/api.h"
#include "services/workspace/api.h"

namespace lazuli::assets {

// The rules of assets, above the store: references, immutability, what a model's files say of it.
// Thread-safe.
class Registry {
 public:
  Registry(Store store, core::Events& events, workspace::Workspaces& workspaces,
           storage::Storage& storage)
      : store_(std::move(store)), events_(events), workspaces_(workspaces), storage_(storage) {}
  Store& store() { return store_; }
  core::Events& events() { return events_; }
  workspace::Workspaces& workspaces() { return workspaces_; }
  storage::Storage& storage() { return storage_; }

  Result<AssetVersion> find(std::string_view workspace_id, Kind kind, std::string_view reference);
  Result<std::vector<AssetVersion>> list(std::string_view workspace_id, Kind kind);
  Result<StoredVersion> get(const VersionKey& key);  // "azureml_default" and labels too
  // Validates, completes and stores; `created` tells a new version from a changed one.
  struct Stored {
    StoredVersion version;
    bool created = false;
  };
  Result<Stored> put(db::Tx& tx, const NewVersion& prepared, const std::string& by);
  // What needs other services and so must happen before the transaction: checks the stored files'
  // address, gives it its canonical form, reads an MLflow model's flavors.
  Result<NewVersion> prepare(NewVersion wanted, const workspace::Authority& authority);

 private:
  Result<void> prepare_uri(NewVersion& wanted, const workspace::Authority& authority);
  Result<void> read_flavors(NewVersion& wanted, const workspace::Authority& authority);

  Store store_;
  core::Events& events_;
  workspace::Workspaces& workspaces_;
  storage::Storage& storage_;
};

// The ARM id of a version.
std::string version_id(const VersionKey& key);
// A version as other services see it.
AssetVersion present(const StoredVersion& stored);

}  // namespace lazuli::assets
