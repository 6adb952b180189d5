// SPDX-License-Identifier: Apache-2.0
#include "core/auth.h"

#include <algorithm>

namespace lazuli::core {

Principal Authenticator::seal(Verified verified) {
  Principal principal;
  principal.tenant_id_ = std::move(verified.tenant_id);
  principal.object_id_ = std::move(verified.object_id);
  principal.app_id_ = std::move(verified.app_id);
  principal.name_ = std::move(verified.name);
  principal.kind_ = verified.kind;
  principal.expires_ = verified.expires;
  principal.grants_ = std::move(verified.grants);
  return principal;
}

bool grants_cover(const Principal& principal, const Operation& operation, std::string_view scope) {
  if (!principal.grants()) return false;
  for (const Grant& grant : *principal.grants()) {
    if (!scope_covers(grant.scope, scope)) continue;
    for (const std::string& pattern : grant.operations)
      if (operation_matches(pattern, operation.name)) return true;
  }
  return false;
}

Result<void> refuse_limited(const Principal& principal) {
  if (!principal.grants()) return {};
  return permission_denied("a token that is limited itself is not exchanged for another");
}

Duration lifetime_within(const Principal& principal, Duration asked) {
  if (!principal.grants()) return asked;
  const auto left = std::chrono::duration_cast<Duration>(principal.expires() - now());
  return std::clamp(left, Duration::zero(), asked);
}

}  // namespace lazuli::core
