// SPDX-License-Identifier: Apache-2.0
// The managed identities of resources:
// https://github.com/cloud-and-ai-microsoft/resource-provider-contract (v1.0, managed identities)
#include "services/directory/identities.h"

#include <algorithm>

#include "base/strings.h"
#include "core/auth.h"
#include "services/directory/principals.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

constexpr std::string_view kUserAssigned =
    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/";
constexpr size_t kUserAssignedMax = 1000;

Error bad_identity(std::string message) {
  return invalid_argument(std::move(message), "InvalidIdentity");
}

bool is_user_assigned_id(std::string_view id) {
  const std::string lower = to_lower(id);
  const std::string kind = to_lower(kUserAssigned);
  const size_t at = lower.find(kind);
  return istarts_with(id, "/subscriptions/") && at != lower.npos &&
         at + kind.size() < lower.size() && lower.find('/', at + kind.size()) == lower.npos;
}

struct Types {
  bool none = false, system = false, user = false;
};

Result<Types> read_types(std::string_view text) {
  Types types;
  for (std::string_view each : split(text, ',')) {
    const std::string_view word = trim(each);
    bool* known = iequals(word, "None")             ? &types.none
                  : iequals(word, "SystemAssigned") ? &types.system
                  : iequals(word, "UserAssigned")   ? &types.user
                                                    : nullptr;
    if (known == nullptr || *known)
      return bad_identity(cat({"The identity type '", text.substr(0, 100),
                               "' must be None, SystemAssigned, UserAssigned or "
                               "'SystemAssigned, UserAssigned'."}));
    *known = true;
  }
  if (types.none && (types.system || types.user))
    return bad_identity("The identity type None stands alone.");
  return types;
}

// Resource providers write the type of both with a blank or without; clients compare texts.
std::string type_text(const Types& types, std::string_view sent) {
  if (types.system && types.user)
    return sent.find(' ') == sent.npos ? "SystemAssigned,UserAssigned"
                                       : "SystemAssigned, UserAssigned";
  return types.system ? "SystemAssigned" : types.user ? "UserAssigned" : "None";
}

void take(std::vector<std::string>& ids, std::string_view id) {
  std::erase_if(ids, [&](const std::string& each) { return iequals(each, id); });
}

Result<std::vector<std::string>> read_user_assigned(const Json& sent, const Json& before,
                                                    IdentityChange change) {
  std::vector<std::string> ids;
  if (change == IdentityChange::kMerge)
    for (const Json::Member& each : before["userAssignedIdentities"].members())
      ids.push_back(each.key);
  if (sent.is_null()) return ids;
  if (!sent.is_object()) return bad_identity("userAssignedIdentities must be an object.");
  for (const Json::Member& each : sent.members()) {
    if (!is_user_assigned_id(each.key))
      return bad_identity(
          cat({"'", each.key.substr(0, 300), "' is not the id of a user-assigned identity."}));
    take(ids, each.key);
    if (!each.value.is_null()) ids.push_back(each.key);
  }
  if (ids.size() > kUserAssignedMax) return bad_identity("There are too many identities.");
  return ids;
}

Result<Object> ensure_system(const IdentityWrite& write, const std::string& resource_id) {
  auto known = TRY(Store::find_by_resource_id(write.tx, resource_id));
  if (known) return std::move(*known);
  Object identity = new_managed_identity(resource_id, false);
  TRY(Store::add(write.tx, identity));
  TRY(write.changes.record(write.tx, identity.object_id, identity.kind, "created"));
  return identity;
}

Result<void> remove(const IdentityWrite& write, const Object& identity) {
  TRY(Store::remove(write.tx, identity.object_id));
  return write.changes.record(write.tx, identity.object_id, identity.kind, "deleted");
}

}  // namespace

Result<std::optional<WantedIdentity>> read_identity(const Json& sent, const Json& before,
                                                    IdentityChange change) {
  using Wanted = std::optional<WantedIdentity>;
  if (sent.is_null()) return Wanted();
  if (!sent.is_object()) return bad_identity("identity must be an object.");
  const std::string_view text = sent.contains("type") ? sent["type"].str() : before["type"].str();
  const Types types = TRY(read_types(text));
  WantedIdentity wanted;
  wanted.type = type_text(types, text);
  wanted.system_assigned = types.system;
  if (types.user)
    wanted.user_assigned = TRY(read_user_assigned(sent["userAssignedIdentities"], before, change));
  if (types.user && wanted.user_assigned.empty())
    return bad_identity(
        "An identity of the type UserAssigned needs the ids of its identities in "
        "userAssignedIdentities.");
  if (!types.user && !sent["userAssignedIdentities"].members().empty() &&
      change == IdentityChange::kReplace)
    return bad_identity(
        "userAssignedIdentities is not empty, but the identity type is not UserAssigned.");
  return Wanted(std::move(wanted));
}

Result<void> check_assignable(core::Authorizer& authorizer, const core::Principal& caller,
                              const WantedIdentity& wanted) {
  const core::Operation assign{"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"};
  for (const std::string& id : wanted.user_assigned) {
    auto allowed = authorizer.authorize(caller, assign, id);
    if (!allowed.ok() && allowed.error().code == Code::kPermissionDenied)
      return permission_denied(allowed.error().message, "LinkedAuthorizationFailed");
    TRY(std::move(allowed));
  }
  return {};
}

Result<Json> assign_identity(const IdentityWrite& write, const std::string& resource_id,
                             const WantedIdentity& wanted) {
  Json identity = Json::object({{"type", wanted.type}});
  if (wanted.system_assigned) {
    Object principal = TRY(ensure_system(write, resource_id));
    identity.set("principalId", principal.object_id).set("tenantId", write.tenant_id);
  } else {
    auto known = TRY(Store::find_by_resource_id(write.tx, resource_id));
    if (known && !known->explicit_identity) TRY(remove(write, *known));
  }
  if (wanted.user_assigned.empty()) return identity;
  Json all = Json::object();
  for (const std::string& id : wanted.user_assigned) {
    auto known = TRY(Store::find_by_resource_id(write.tx, id));
    if (!known || !known->explicit_identity)
      return invalid_argument(
          cat({"Identity operation for resource '", resource_id,
               "' failed: the user-assigned identity '", id.substr(0, 300), "' was not found."}),
          "FailedIdentityOperation");
    all.set(*known->resource_id, Json::object({{"principalId", known->object_id},
                                               {"clientId", known->app_id.value_or("")}}));
  }
  identity.set("userAssignedIdentities", std::move(all));
  return identity;
}

}  // namespace lazuli::directory
