// SPDX-License-Identifier: Apache-2.0
#include "services/resources/locks.h"

#include "base/strings.h"

namespace lazuli::resources {

Result<void> Locks::load(LockStore& store) {
  const std::lock_guard lock(loading_);  // an older list never replaces a newer one
  locks_.store(std::make_shared<const std::vector<Lock>>(TRY(store.all())));
  return {};
}

void Locks::forget_below(const std::string& scope) {
  const std::lock_guard lock(loading_);
  std::vector<Lock> left = all();
  const size_t before = left.size();
  std::erase_if(left, [&](const Lock& each) { return core::scope_covers(scope, each.scope); });
  if (left.size() != before)
    locks_.store(std::make_shared<const std::vector<Lock>>(std::move(left)));
}

std::vector<Lock> Locks::all() const {
  auto locks = locks_.load();
  return locks ? *locks : std::vector<Lock>();
}

Result<void> Locks::check(const core::RequestContext& context, const std::string& scope) {
  const core::Route& route = context.route();
  if (route.host != core::Host::kManagement || route.operation.is_data_action) return {};
  return check(route.operation.name, scope);
}

Result<void> Locks::check(std::string_view operation, const std::string& scope) const {
  auto locks = locks_.load();
  if (!locks || locks->empty()) return {};
  const std::string_view verb = operation.substr(operation.rfind('/') + 1);
  if (iequals(verb, "read") || istarts_with(operation, "Microsoft.Authorization/locks/")) return {};
  const bool deletes = iequals(verb, "delete");
  // An assignment or a role on a scope is not the scope: what that holds stays.
  const bool deletes_scope = deletes && !istarts_with(operation, "Microsoft.Authorization/");
  std::string locked;
  for (const Lock& lock : *locks) {
    const bool above = core::scope_covers(lock.scope, scope);
    const bool below = deletes_scope && core::scope_covers(scope, lock.scope);
    if (!above && !below) continue;
    if (lock.level == LockLevel::kCanNotDelete && !deletes) continue;
    locked += cat({locked.empty() ? "" : ",", lock.scope});
  }
  if (locked.empty()) return {};
  return conflict(cat({"The scope '", scope, "' cannot perform ", deletes ? "delete" : "write",
                       " operation because following scope(s) are locked: '", locked,
                       "'. Please remove the lock and try again."}),
                  "ScopeLocked");
}

}  // namespace lazuli::resources
