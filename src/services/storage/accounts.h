// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "core/vault.h"
#include "db/db.h"

namespace lazuli::storage {

struct Account {
  std::string name, arm_id;
  SecretString key;             // base64, as clients configure it
  SecretBytes delegation = {};  // what user delegation keys are derived from
};

using FindAccount = std::function<Result<std::shared_ptr<const Account>>(const std::string&)>;
// For authentication, where an unknown account is no more than a failure to authenticate.
Result<std::shared_ptr<const Account>> account_of_caller(const FindAccount& find_account,
                                                         const std::string& name);

// Storage accounts and their keys, cached: each request needs one. Thread-safe.
class Accounts {
 public:
  Accounts(db::Database::Handle db, core::Vault& vault) : db_(std::move(db)), vault_(vault) {}

  // Idempotent; makes the key at creation.
  Result<void> ensure(const std::string& name, const std::string& arm_id);
  // kNotFound for an account that is not here.
  Result<std::shared_ptr<const Account>> get(const std::string& name);
  // Names of those whose ARM ids are the scope or lie below it, within the caller's transaction.
  Result<std::vector<std::string>> at(db::Tx& tx, const std::string& scope);
  // Within the caller's transaction; once it is durable nobody finds the account.
  Result<void> remove(db::Tx& tx, const std::string& name);

 private:
  db::Database::Handle db_;
  core::Vault& vault_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Account>, std::less<>> cache_;
  uint64_t removals_ = 0;  // what was read before one is not kept after it
};

}  // namespace lazuli::storage
