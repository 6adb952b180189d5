// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/rbac.h"

#include "base/strings.h"

namespace lazuli::authorization {

Result<void> Rbac::authorize(const core::Principal& principal, const core::Operation& operation,
                             const std::string& scope) {
  bool by_grants = !principal.grants() || core::grants_cover(principal, operation, scope);
  bool by_roles = principal.object_id().empty()
                      ? principal.grants().has_value()
                      : TRY(allowed_by_roles(principal, operation, scope));
  if (by_grants && by_roles) return {};
  return permission_denied(cat(
      {"The client '", principal.app_id().empty() ? principal.name() : principal.app_id(),
       "' with object id '", principal.object_id(),
       "' does not have authorization to perform action '", operation.name, "' over scope '", scope,
       "' or the scope is invalid. If access was recently granted, please refresh your "
       "credentials."}));
}

Result<bool> Rbac::allowed_by_roles(const core::Principal& principal,
                                    const core::Operation& operation, std::string_view scope) {
  auto current = TRY(known());
  for (const RoleAssignment& each : current->assignments) {
    if (each.object_id != principal.object_id() || !core::scope_covers(each.scope, scope)) continue;
    const Role* role = roles_.find(each.role_id);
    if (role != nullptr && role->permits(operation)) return true;
  }
  return false;
}

// Read after the generation was looked at: a change in between is seen by the next request.
Result<std::shared_ptr<const Rbac::Known>> Rbac::known() {
  auto current = known_.load();
  if (current && current->generation == generation_) return current;
  std::lock_guard lock(loading_);
  uint64_t wanted = generation_;
  current = known_.load();
  if (current && current->generation == wanted) return current;
  current = std::make_shared<const Known>(Known{wanted, TRY(store_.assignments())});
  known_.store(current);
  return current;
}

}  // namespace lazuli::authorization
