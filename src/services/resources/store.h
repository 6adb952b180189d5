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

struct ResourceGroup {
  std::string subscription_id;
  std::string name;  // compared without case
  std::string location;
  Json tags = Json::object();
  bool deleting = false;  // nothing is made in it any more
};

// kConflict "ResourceGroupBeingDeleted".
Error being_deleted(const std::string& group);

// All SQL of the service.
class Store {
 public:
  static std::vector<db::Migration> migrations();
  explicit Store(db::Database::Handle handle) : handle_(std::move(handle)) {}

  Result<std::optional<ResourceGroup>> find(const std::string& subscription_id,
                                            const std::string& name);
  Result<std::vector<ResourceGroup>> list(const std::string& subscription_id);
  // True when it is new. A group keeps its location, and one that is being deleted changes no more.
  Result<bool> put(const ResourceGroup& group);
  // kConflict when it is so already; kNotFound when it is gone.
  Result<void> begin_deleting(const std::string& subscription_id, const std::string& name);
  // Of all groups where `name` is empty: the deletions that a crash interrupted.
  Result<void> stop_deleting(const std::string& subscription_id, const std::string& name = {});
  // Within a transaction of any owner.
  Result<std::optional<ResourceGroup>> find(db::Tx& tx, const std::string& subscription_id,
                                            const std::string& name);
  // `also` joins the transaction.
  Result<void> erase(const std::string& subscription_id, const std::string& name,
                     const std::function<Result<void>(db::Tx&)>& also);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::resources
