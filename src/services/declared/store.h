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
  // What else must hold, or be done, in the transaction that writes and before it does, with what
  // was there before; empty: nothing. It may still change the resource that is written.
  using Check = std::function<Result<void>(db::Tx&, const std::optional<Resource>& before)>;
  // True when it is new; kPreconditionFailed where the condition does not hold.
  Result<bool> put(const Resource& resource, const Condition& condition, const Check& check);
  Result<void> check(const std::string& id, const Check& check);
  // With what lies below it. False when it was not there.
  Result<bool> erase(const std::string& id, const std::function<Result<void>(db::Tx&)>& also);

  static Result<void> erase_below(db::Tx& tx, const std::string& scope);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::declared
