// SPDX-License-Identifier: Apache-2.0
#include "services/directory/app_roles.h"

#include <algorithm>
#include <set>

#include "base/ids.h"
#include "base/strings.h"
#include "services/directory/app_role_store.h"
#include "services/directory/graph.h"
#include "services/directory/store.h"

namespace lazuli::directory {
namespace {

constexpr size_t kDeclaredMax = 1200;
constexpr size_t kValueMax = 120;

Error invalid_property(std::string_view property) {
  return bad_request(cat({"Invalid value specified for property '", property, "' of resource."}));
}

// Values go into tokens, where spaces part them.
bool is_value(std::string_view value) {
  return value.size() <= kValueMax && is_utf8(value) && value.front() != '.' &&
         std::ranges::all_of(value, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

Result<void> check_entries(const Json& entries, std::string_view property) {
  if (entries.size() > kDeclaredMax) return invalid_property(property);
  std::set<std::string> ids, values;
  for (const Json& each : entries.items()) {
    if (!is_uuid(each["id"].str()) || !ids.insert(to_lower(each["id"].str())).second)
      return bad_request(cat({"Property ", property, ".id must be a GUID of its own."}));
    std::string value = each["value"].text();
    if (value.empty()) continue;
    if (!is_value(value)) return invalid_property(cat({property, ".value"}));
    if (!values.insert(value).second)
      return bad_request(cat({"It contains duplicate value. Please provide unique values for ",
                              property, ": '", value, "'."}));
  }
  return {};
}

bool allows(const Json& role, std::string_view kind) {
  return std::ranges::any_of(role["allowedMemberTypes"].items(),
                             [&](const Json& each) { return each.str() == kind; });
}

}  // namespace

std::vector<AppRole> app_roles(const Object& application) {
  std::vector<AppRole> roles;
  const Json& properties = application.properties;
  for (const Json& each : properties["appRoles"].items())
    roles.push_back({to_lower(each["id"].str()), each["value"].text(),
                     each["isEnabled"].boolean(true), allows(each, "User"),
                     allows(each, "Application")});
  return roles;
}

std::vector<AppScope> app_scopes(const Object& application) {
  std::vector<AppScope> scopes;
  const Json& properties = application.properties;
  for (const Json& each : properties["api"]["oauth2PermissionScopes"].items())
    if (each["isEnabled"].boolean(true) && !each["value"].str().empty())
      scopes.push_back({to_lower(each["id"].str()), each["value"].text()});
  return scopes;
}

Result<void> check_app_roles(const Object& application) {
  const Json& properties = application.properties;
  TRY(check_entries(properties["appRoles"], "appRoles"));
  TRY(check_entries(properties["api"]["oauth2PermissionScopes"], "api.oauth2PermissionScopes"));
  for (const Json& role : properties["appRoles"].items()) {
    if (!role["displayName"].is_string()) return invalid_property("appRoles.displayName");
    if (role["allowedMemberTypes"].empty()) return invalid_property("appRoles.allowedMemberTypes");
    for (const Json& kind : role["allowedMemberTypes"].items())
      if (kind.str() != "User" && kind.str() != "Application")
        return invalid_property("appRoles.allowedMemberTypes");
  }
  return {};
}

void follow(const Object& application, Object& principal) {
  const Json& properties = application.properties;
  Json names = Json::array({Json(application.app_id.value_or(""))});
  for (const Json& uri : properties["identifierUris"].items()) names.push_back(uri);
  principal.properties.set("servicePrincipalNames", std::move(names));
  for (const auto& [name, value] :
       {std::pair("appRoles", &properties["appRoles"]),
        std::pair("oauth2PermissionScopes", &properties["api"]["oauth2PermissionScopes"])})
    principal.properties.set(name, value->is_array() ? *value : Json::array());
}

Result<AppAccess> app_access(db::Executor& db, const std::string& object_id,
                             const std::string& app_id) {
  AppAccess access;
  auto application = TRY(Store::find_by_app_id(db, kApplication, app_id));
  auto resource = TRY(Store::find_by_app_id(db, kServicePrincipal, app_id));
  auto principal = TRY(Store::find(db, object_id));
  if (!application || !resource || !principal) return access;
  std::vector<std::string> held =
      TRY(AppRoleStore::held(db, principal->object_id, resource->object_id));
  for (const AppRole& role : app_roles(*application)) {
    bool fits = principal->kind == kUser ? role.for_people : role.for_applications;
    if (fits && role.enabled && !role.value.empty() &&
        std::ranges::find(held, role.id) != held.end())
      access.roles.push_back(role.value);
  }
  const Json& properties = resource->properties;
  access.refused = properties["appRoleAssignmentRequired"].boolean() && held.empty();
  return access;
}

}  // namespace lazuli::directory
