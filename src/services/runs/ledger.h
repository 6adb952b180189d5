// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "services/assets/api.h"
#include "services/runs/model_store.h"
#include "services/runs/store.h"
#include "services/storage/api.h"
#include "services/workspace/api.h"

namespace lazuli::runs {

// Everything the handlers of run history and MLflow work with, and the rules both share.
// Thread-safe.
class Ledger final : public Runs {
 public:
  Ledger(db::Database::Handle handle, workspace::Workspaces& workspaces, storage::Storage& storage,
         assets::Assets& assets);

  // Runs
  Result<void> create(db::Tx& tx, const Run& run) override;
  Result<void> set_status(db::Tx& tx, std::string_view run_id, std::string_view status,
                          const std::optional<Error>& error) override;
  Result<void> set_outputs(db::Tx& tx, std::string_view run_id, const Json& outputs) override;
  Result<void> set_properties(db::Tx& tx, std::string_view run_id, const Json& properties) override;
  Result<Run> get(std::string_view workspace_id, std::string_view run_id) override;
  Result<std::vector<Run>> children(std::string_view workspace_id,
                                    std::string_view run_id) override;

  Store& store() { return store_; }
  ModelStore& models() { return models_; }
  workspace::Workspaces& workspaces() { return workspaces_; }
  storage::Storage& storage() { return storage_; }
  assets::Assets& assets() { return assets_; }

  // Reads, changes and stores a run in one transaction.
  Result<Run> change(std::string_view workspace_id, std::string_view run_id,
                     const std::function<Result<void>(Run&)>& edit);

  // Where a run's artifact lies; refuses a path that climbs.
  Result<storage::BlobPath> artifact_path(std::string_view workspace_id, std::string_view run_id,
                                          std::string_view path);
  // The same place as an address, which is what assets store.
  Result<std::string> artifact_address(std::string_view workspace_id, std::string_view run_id,
                                       std::string_view path);

  // Streaming clients print logs only while a run is not terminal: the first look at an ended run
  // after a pause still says Finalizing.
  bool is_first_look(const std::string& run_id);

 private:
  Store store_;
  ModelStore models_;
  workspace::Workspaces& workspaces_;
  storage::Storage& storage_;
  assets::Assets& assets_;
  std::mutex mutex_;
  std::map<std::string, Timestamp> looks_;
};

bool is_terminal(std::string_view status);
// Whether a job owns the run's status (then clients do not change it).
bool is_job(const Run& run);

}  // namespace lazuli::runs
