// SPDX-License-Identifier: Apache-2.0
#include "services/storage/accounts.h"

#include "core/principal.h"
#include "services/storage/errors.h"
#include "services/storage/signature.h"
#include "services/storage/store.h"

namespace lazuli::storage {
namespace {
std::string seal_context(const std::string& account) { return "storage.account_key/" + account; }
}  // namespace

Result<std::shared_ptr<const Account>> account_of_caller(const FindAccount& find_account,
                                                         const std::string& name) {
  auto account = find_account(name);
  if (!account.ok() && account.error().code == Code::kNotFound)
    return authentication_failed("There is no such account.");
  return account;
}

Result<void> Accounts::ensure(const std::string& name, const std::string& arm_id) {
  auto known = TRY(db_.read([&](db::Reader& db) { return store::find_account(db, name); }));
  if (known) return {};
  SecretString key = new_account_key();
  store::AccountRow row{name, arm_id, vault_.seal(seal_context(name), key.expose())};
  TRY(db_.write([&](db::Tx& tx) { return store::insert_account(tx, row); }));
  return {};
}

Result<std::shared_ptr<const Account>> Accounts::get(const std::string& name) {
  uint64_t removals = 0;
  {
    std::lock_guard lock(mutex_);
    auto cached = cache_.find(name);
    if (cached != cache_.end()) return cached->second;
    removals = removals_;
  }
  auto row = TRY(db_.read([&](db::Reader& db) { return store::find_account(db, name); }));
  if (!row) return account_not_found(name);
  SecretString key = TRY(vault_.open(seal_context(name), row->sealed_key));
  auto account = std::make_shared<const Account>(
      Account{std::move(row->name), std::move(row->arm_id), std::move(key),
              vault_.derive("storage.user_delegation/" + name)});
  std::lock_guard lock(mutex_);
  if (removals != removals_) return account;
  return cache_.try_emplace(name, std::move(account)).first->second;
}

Result<std::vector<std::string>> Accounts::at(db::Tx& caller, const std::string& scope) {
  const auto rows = TRY(store::all_accounts(db_.join(caller)));
  std::vector<std::string> names;
  for (const store::AccountRow& row : rows)
    if (core::scope_covers(scope, row.arm_id)) names.push_back(row.name);
  return names;
}

Result<void> Accounts::remove(db::Tx& caller, const std::string& name) {
  db::Tx& tx = db_.join(caller);
  TRY(store::delete_account(tx, name));
  tx.after_commit([this, name] {
    std::lock_guard lock(mutex_);
    cache_.erase(name);
    ++removals_;
  });
  return {};
}

}  // namespace lazuli::storage
