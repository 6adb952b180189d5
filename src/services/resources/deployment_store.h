// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "codec/json.h"
#include "db/db.h"

namespace lazuli::resources {

// A deployment as it is kept. `state` is Azure's word: Accepted, Running, Succeeded, Failed,
// Canceled.
struct Deployment {
  std::string scope;   // id of the scope, in the casing it was made with
  std::string name;    // compared without case
  std::string run_id;  // of the workflow; also the correlation id's seed
  std::string state;
  // {"location", "tags", "mode", "template", "templateHash", "parameters", "plan", "outputs",
  // "error"}: what may be shown.
  Json body;
  std::string sealed;  // the rest: parameters with secrets, and whose deployment it is
  Timestamp created{}, ended{};
};

// Deployments in the database.
class DeploymentStore {
 public:
  static std::vector<db::Migration> migrations();
  explicit DeploymentStore(db::Database::Handle handle) : handle_(std::move(handle)) {}

  Result<std::optional<Deployment>> find(const std::string& scope, const std::string& name);
  Result<std::optional<Deployment>> find_run(const std::string& run_id);
  // Newest first; of one state, where it is not empty.
  struct Range {
    size_t skip = 0, count = 0;
  };
  Result<std::vector<Deployment>> list(const std::string& scope, const std::string& state,
                                       const Range& range);
  // `also` joins the transaction.
  Result<bool> erase(const std::string& scope, const std::string& name,
                     const std::function<Result<void>(db::Tx&)>& also);
  const db::Database::Handle& handle() const { return handle_; }

  // Within a transaction of this owner. put() replaces.
  static Result<std::optional<Deployment>> find(db::Executor& db, const std::string& scope,
                                                const std::string& name);
  static Result<std::optional<Deployment>> find_run(db::Executor& db, const std::string& run_id);
  static Result<void> put(db::Tx& tx, const Deployment& deployment);
  // All of a scope; the runs that had not ended.
  static Result<std::vector<std::string>> erase_all(db::Tx& tx, const std::string& scope);
  // Keeps the newest of a scope's deployments.
  static Result<void> trim(db::Tx& tx, const std::string& scope);
  static Result<void> set_state(db::Tx& tx, const std::string& run_id, const std::string& state);
  static Result<void> finish(db::Tx& tx, const Deployment& deployment);

  // Sealed results that a client comes back for, by an id of ours; kept for an hour, shown to their
  // owner.
  Result<void> put_result(const std::string& id, const std::string& owner,
                          const std::string& sealed);
  Result<std::optional<std::string>> find_result(const std::string& id, const std::string& owner);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::resources
