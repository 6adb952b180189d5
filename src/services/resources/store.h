// SPDX-License-Identifier: Apache-2.0
#pragma once

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
};

// All SQL of the service.
class Store {
 public:
  static std::vector<db::Migration> migrations();
  explicit Store(db::Database::Handle handle) : handle_(std::move(handle)) {}

  Result<std::optional<ResourceGroup>> find(const std::string& subscription_id,
                                            const std::string& name);
  Result<std::vector<ResourceGroup>> list(const std::string& subscription_id);
  // True when it is new.
  Result<bool> put(const ResourceGroup& group);
  Result<void> erase(const std::string& subscription_id, const std::string& name);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::resources
