// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "codec/json.h"
#include "core/arm.h"
#include "db/db.h"

namespace lazuli::declared {

struct Resource {
  std::string id, type, name;
  Json body;  // "location", "tags", "sku", "kind", "identity", "properties", …
  core::SystemData system_data;
  std::string etag;
};

// What a write asks of what is there: If-Match ("": anything) and If-None-Match: *.
struct Condition {
  std::string if_match;
  bool only_new = false;
};

Result<void> check_condition(const std::string& id, const std::optional<Resource>& before,
                             const Condition& condition);

// All SQL of the service. Ids compare without case.
class Store {
 public:
  static std::vector<db::Migration> migrations();
  explicit Store(db::Database::Handle handle) : handle_(std::move(handle)) {}

  Result<std::optional<Resource>> find(const std::string& id);
  // Of a type, below a scope.
  Result<std::vector<Resource>> list(const std::string& type, const std::string& scope);
  // True when it is new; kPreconditionFailed where the condition does not hold. `first` runs before
  // the resource is written, and may still change it.
  Result<bool> put(Resource& resource, const Condition& condition,
                   const std::function<Result<void>(db::Tx&, Resource&)>& first);
  // With what lies below it. False when it was not there.
  Result<bool> erase(const std::string& id, const std::function<Result<void>(db::Tx&)>& also);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::declared
