// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/arm.h"
#include "db/db.h"
#include "services/assets/api.h"

namespace lazuli::assets {

// Names a version; `workspace` is the ARM id, compared without case.
struct VersionKey {
  std::string workspace;
  Kind kind = Kind::kData;
  std::string name, version;
};

struct StoredVersion {
  VersionKey key;
  Json properties;
  core::SystemData system_data;
};

struct Container {
  std::string name;
  std::string latest_version, next_version;
  bool archived = false;
  Json tags = Json::object();
  std::string description;
  core::SystemData system_data;
};

enum class View { kActive, kArchived, kAll };

// All SQL of the service.
class Store {
 public:
  static std::vector<db::Migration> migrations();
  // All assets of the workspaces at or below an ARM id.
  static Result<void> remove_workspaces(db::Tx& tx, const std::string& scope);
  explicit Store(db::Database::Handle handle) : handle_(std::move(handle)) {}
  db::Database::Handle& handle() { return handle_; }

  Result<std::optional<StoredVersion>> find(const VersionKey& key);
  Result<std::optional<StoredVersion>> find_in(db::Tx& caller, const VersionKey& key);
  // The one created last, archived ones excepted.
  Result<std::optional<StoredVersion>> latest(const std::string& workspace, Kind kind,
                                              const std::string& name);
  // Newest first.
  Result<std::vector<StoredVersion>> versions(const std::string& workspace, Kind kind,
                                              const std::string& name, View view,
                                              const core::Page& page);
  Result<std::vector<StoredVersion>> all(const std::string& workspace, Kind kind, size_t limit);
  // Code with this content hash, anywhere in the workspace.
  Result<std::vector<StoredVersion>> codes_by_hash(const std::string& workspace,
                                                   const std::string& hash);
  Result<std::optional<Container>> container(const std::string& workspace, Kind kind,
                                             const std::string& name);
  Result<std::vector<Container>> containers(const std::string& workspace, Kind kind, View view,
                                            const core::Page& page);

  // Inserts, or replaces the properties of an existing version. Joins the caller's transaction.
  Result<void> put(db::Tx& caller, const StoredVersion& version);
  Result<std::string> next_version(db::Tx& caller, const std::string& workspace, Kind kind,
                                   const std::string& name);
  // Archives or restores all that has this name.
  Result<bool> set_container(const std::string& workspace, Kind kind, const std::string& name,
                             const Json& tags, const std::string& description, bool archived);
  // False when it was not there; else `also` joins the transaction.
  Result<bool> remove(const VersionKey& key, const std::function<Result<void>(db::Tx&)>& also);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::assets
