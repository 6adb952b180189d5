// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/authorization/deny-assignments; writing them:
// 2024-07-01-preview as azure-mgmt-authorization 5 and `az role deny-assignment` do it.
#include "base/ids.h"
#include "base/strings.h"
#include "core/arm.h"
#include "services/authorization/handlers.h"
#include "services/authorization/scope.h"
#include "services/authorization/wire.h"

namespace lazuli::authorization {
namespace {

constexpr size_t kListedMax = 256;

Error not_there(const Context& context) {
  return not_found(cat({"The deny assignment '", context.param("name"), "' is not found."}),
                   "DenyAssignmentNotFound");
}

const DenyAssignment* find_here(const Policy& policy, const Context& context,
                                const std::string& scope) {
  for (const DenyAssignment& each : policy.denials())
    if (iequals(each.id, context.param("name")) && scope_key(each.scope) == scope_key(scope))
      return &each;
  return nullptr;
}

// What clients may make is narrower than what the server itself does: control operations other than
// reads, no groups, and somebody must be left.
Result<void> check_denial(const DenyAssignment& denial) {
  auto bad = [](std::string_view message) {
    return invalid_argument(std::string(message), "InvalidDenyAssignment");
  };
  if (denial.name.empty() || denial.name.size() > 512) return bad("denyAssignmentName is missing.");
  if (denial.not_below) return bad("doNotApplyToChildScopes is not supported.");
  if (denial.permissions.empty() || denial.permissions.size() > 16)
    return bad("There are no permissions.");
  for (const Permission& each : denial.permissions) {
    if (!each.data_actions.empty() || !each.not_data_actions.empty())
      return bad("dataActions are not supported.");
    if (each.actions.empty() || each.actions.size() > kListedMax)
      return bad("There are no actions.");
    for (const std::string& action : each.actions)
      if (action.size() > 512 || to_lower(action).ends_with("/read"))
        return bad("Read actions cannot be denied.");
    if (!each.condition.empty()) return bad("Conditions are not supported.");
  }
  if (denial.principals.size() != 1) return bad("A deny assignment names one principal.");
  for (const auto* list : {&denial.principals, &denial.excluded}) {
    if (list->size() > kListedMax) return bad("There are too many principals.");
    for (const DeniedPrincipal& each : *list)
      if (!is_uuid(each.id) || iequals(each.type, "Group"))
        return bad("A principal is a user or service principal.");
  }
  if (denial.principals.front().id == kEveryone && denial.excluded.empty())
    return bad("A deny assignment for everybody excludes somebody.");
  return {};
}

}  // namespace

Answer list_denials(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  const Filter filter = TRY(filter_of(context));
  auto policy = TRY(parts.rbac->policy());
  auto names = [](const DenyAssignment& denial, const std::string& principal) {
    for (const DeniedPrincipal& each : denial.principals)
      if (iequals(each.id, principal)) return true;
    return false;
  };
  Json::Array found;
  for (const DenyAssignment& each : policy->denials()) {
    if (!filter.principal_id.empty() && !names(each, filter.principal_id)) continue;
    if (!filter.deny_name.empty() && !iequals(filter.deny_name, each.name)) continue;
    if (policy->covers(each.scope, scope) ||
        (!filter.at_scope && policy->covers(scope, each.scope)))
      found.push_back(denial_json(each));
  }
  return core::json_response(core::arm_list(std::move(found)));
}

Answer get_denial(Parts& parts, Context& context) {
  auto policy = TRY(parts.rbac->policy());
  const DenyAssignment* found = find_here(*policy, context, TRY(scope_of(context)));
  if (found == nullptr) return not_there(context);
  return core::json_response(denial_json(*found));
}

Answer put_denial(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  const Json body = TRY(context.json());
  DenyAssignment denial = denial_from_json(body["properties"]);
  denial.id = to_lower(context.param("name"));
  denial.scope = scope;
  denial.system = false;
  if (!is_uuid(denial.id))
    return invalid_argument("The deny assignment ID must be a GUID.", "InvalidDenyAssignmentId");
  TRY(check_denial(denial));
  bool created = TRY(parts.store->handle().write([&](db::Tx& tx) -> Result<bool> {
    auto held = TRY(parts.store->find_denial(tx, denial.id));
    if (held && (held->system || scope_key(held->scope) != scope_key(scope)))
      return permission_denied("This deny assignment is the system's.",
                               "DenyAssignmentSystemProtected");
    denial.stamp = stamp_for(context, held ? std::optional(held->stamp) : std::nullopt);
    TRY(parts.store->put_denial(tx, denial));
    TRY(parts.changed(tx, "denyAssignment", scope, denial.id));
    return !held.has_value();
  }));
  return core::json_response(denial_json(denial), created ? 201 : 200);
}

Answer delete_denial(Parts& parts, Context& context) {
  const std::string scope = TRY(scope_of(context));
  auto policy = TRY(parts.rbac->policy());
  const DenyAssignment* found = find_here(*policy, context, scope);
  if (found == nullptr) return http::Response(204);
  if (found->system)
    return permission_denied("This deny assignment is the system's.",
                             "DenyAssignmentSystemProtected");
  TRY(parts.store->handle().write([&](db::Tx& tx) -> Result<void> {
    TRY(parts.store->remove_denial(tx, found->id));
    return parts.changed(tx, "denyAssignment", scope, found->id);
  }));
  return http::Response(200);
}

}  // namespace lazuli::authorization
