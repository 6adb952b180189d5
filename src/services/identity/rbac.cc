// SPDX-License-Identifier: Apache-2.0
#include "services/identity/rbac.h"

#include "base/strings.h"

namespace lazuli::identity {

Result<core::Allowed> Rbac::authorize(const core::Principal& principal,
                                      const core::Operation& operation, const std::string& scope) {
  const bool by_grants = !principal.grants() || core::grants_cover(principal, operation, scope);
  if (by_grants) {
    std::optional<core::Allowed> allowed;
    if (!principal.object_id().empty())
      allowed = allowed_by_roles(principal, operation, scope);
    else if (principal.grants())
      allowed.emplace();  // a key or SAS: its grants are the whole authority
    if (allowed) return std::move(*allowed);
  }
  return permission_denied(cat(
      {"The client '", principal.app_id().empty() ? principal.name() : principal.app_id(),
       "' with object id '", principal.object_id(),
       "' does not have authorization to perform action '", operation.name, "' over scope '", scope,
       "' or the scope is invalid. If access was recently granted, please refresh your "
       "credentials."}));
}

std::optional<core::Allowed> Rbac::allowed_by_roles(const core::Principal& principal,
                                                    const core::Operation& operation,
                                                    std::string_view scope) const {
  auto assignments = assignments_.load();
  if (!assignments) return {};
  for (const RoleAssignment& each : *assignments) {
    if (each.object_id != principal.object_id() || !core::scope_covers(each.scope, scope)) continue;
    const Role* role = roles_.find(each.role_id);
    if (role != nullptr && role->permits(operation)) return core::Allowed{each.role_id, each.name};
  }
  return {};
}

void Rbac::set_assignments(std::vector<RoleAssignment> assignments) {
  assignments_.store(std::make_shared<const std::vector<RoleAssignment>>(std::move(assignments)));
}

}  // namespace lazuli::identity
