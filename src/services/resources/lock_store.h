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

enum class LockLevel { kCanNotDelete, kReadOnly };

struct Lock {
  std::string scope;  // what is locked, "/subscriptions/…"
  std::string name;   // compared without case
  LockLevel level = LockLevel::kCanNotDelete;
  std::string notes;
  Json owners = Json::array();
  std::string created_by, changed_by;
  Timestamp created{}, changed{};
};

// Locks in the database, and the tags of subscriptions.
class LockStore {
 public:
  static std::vector<db::Migration> migrations();
  explicit LockStore(db::Database::Handle handle) : handle_(std::move(handle)) {}

  Result<std::vector<Lock>> all();
  // `check` is asked in the transaction.
  Result<void> put(const Lock& lock, const std::function<Result<void>(db::Tx&)>& check);
  Result<bool> erase(const std::string& scope, const std::string& name);
  // Of what goes, with what lies below it.
  static Result<void> erase_below(db::Tx& tx, const std::string& scope);

  Result<Json> tags(const std::string& scope);
  Result<void> put_tags(const std::string& scope, const Json& tags);

 private:
  db::Database::Handle handle_;
};

}  // namespace lazuli::resources
