// SPDX-License-Identifier: Apache-2.0
#include "services/resources/scope.h"

#include "base/strings.h"
#include "engines/template/ids.h"

namespace lazuli::resources {
namespace {

Result<Scope> checked(const Parts& parts, Scope scope) {
  if (!scope.subscription.empty() &&
      !iequals(scope.subscription, parts.installation.subscription_id))
    return not_found(cat({"The subscription '", scope.subscription, "' could not be found."}),
                     "SubscriptionNotFound");
  if (scope.group.empty()) return scope;
  auto group = TRY(parts.store->find(parts.installation.subscription_id, scope.group));
  if (!group)
    return not_found(cat({"Resource group '", scope.group, "' could not be found."}),
                     "ResourceGroupNotFound");
  scope.subscription = group->subscription_id;
  scope.group = group->name;
  scope.group_json = group_json(parts.installation, *group);
  return scope;
}

}  // namespace

std::string Scope::id() const {
  using templates::ScopeKind;
  switch (kind) {
    case ScopeKind::kResourceGroup:
      return templates::group_scope(subscription, group);
    case ScopeKind::kSubscription:
      return templates::subscription_scope(subscription);
    case ScopeKind::kManagementGroup:
      return templates::management_group_scope(management_group);
    case ScopeKind::kTenant:
      return {};
  }
  return {};
}

Result<Scope> find_scope(const Parts& parts, const Context& context) {
  using templates::ScopeKind;
  Scope scope;
  scope.subscription = context.param("sub");
  scope.group = context.param("rg");
  scope.management_group = context.param("mg");
  scope.kind = !scope.group.empty()              ? ScopeKind::kResourceGroup
               : !scope.subscription.empty()     ? ScopeKind::kSubscription
               : !scope.management_group.empty() ? ScopeKind::kManagementGroup
                                                 : ScopeKind::kTenant;
  return checked(parts, std::move(scope));
}

Result<Scope> find_scope(const Parts& parts, std::string_view id) {
  using templates::ScopeKind;
  const std::vector<std::string_view> pieces = split(id, '/');
  Scope scope;
  scope.kind = ScopeKind::kTenant;
  if (pieces.size() >= 3 && iequals(pieces[1], "subscriptions")) {
    scope.kind = ScopeKind::kSubscription;
    scope.subscription = pieces[2];
    if (pieces.size() >= 5 && iequals(pieces[3], "resourceGroups")) {
      scope.kind = ScopeKind::kResourceGroup;
      scope.group = pieces[4];
    }
  } else if (pieces.size() == 5 && iequals(pieces[3], "managementGroups")) {
    scope.kind = ScopeKind::kManagementGroup;
    scope.management_group = pieces[4];
  } else if (!id.empty() && (pieces.size() < 2 || !iequals(pieces[1], "providers"))) {
    return not_found(cat({"'", id.substr(0, 300), "' is the id of nothing that is here."}));
  }
  return checked(parts, std::move(scope));
}

}  // namespace lazuli::resources
