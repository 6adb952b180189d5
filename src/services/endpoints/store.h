// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "services/endpoints/model.h"

namespace lazuli::endpoints {

// All SQL of the service. Functions that take a Tx join the caller's transaction.
class Store {
 public:
  static std::vector<db::Migration> migrations();
  explicit Store(db::Database::Handle handle) : handle_(std::move(handle)) {}
  const db::Database::Handle& handle() const { return handle_; }

  Result<std::optional<Endpoint>> endpoint(const std::string& name);
  Result<std::vector<Endpoint>> endpoints();
  Result<std::vector<Endpoint>> endpoints(db::Tx& tx);
  Result<void> put(db::Tx& tx, const Endpoint& endpoint);
  Result<void> remove_endpoint(db::Tx& tx, const std::string& name);  // and its deployments

  Result<std::optional<Deployment>> deployment(const std::string& endpoint,
                                               const std::string& name);
  Result<std::vector<Deployment>> deployments(const std::string& endpoint);
  Result<std::vector<Deployment>> all_deployments();
  Result<void> put(db::Tx& tx, const Deployment& deployment);
  // State and log alone, unless it was deleted or put anew meanwhile.
  Result<void> put_state(db::Tx& tx, const Deployment& deployment);
  Result<void> remove_deployment(db::Tx& tx, const std::string& endpoint, const std::string& name);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::endpoints
