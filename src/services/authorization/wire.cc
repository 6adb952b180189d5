// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/wire.h"

#include "base/strings.h"
#include "services/authorization/roles.h"
#include "services/authorization/scope.h"

namespace lazuli::authorization {
namespace {

void add_stamp(Json& properties, const Stamp& stamp) {
  properties.set("createdOn", format_iso8601(stamp.created));
  properties.set("updatedOn", format_iso8601(stamp.updated));
  properties.set("createdBy", stamp.created_by.empty() ? Json() : Json(stamp.created_by));
  properties.set("updatedBy", stamp.updated_by.empty() ? Json() : Json(stamp.updated_by));
}

void set_unless_empty(Json& json, std::string_view key, const std::string& value) {
  json.set(key, value.empty() ? Json() : Json(value));
}

Json permissions_json(const std::vector<Permission>& permissions) {
  Json all = Json::array();
  for (const Permission& each : permissions) all.push_back(permission_json(each));
  return all;
}

Json principals_json(const std::vector<DeniedPrincipal>& principals) {
  Json all = Json::array();
  for (const DeniedPrincipal& each : principals)
    all.push_back(Json::object({{"id", each.id}, {"type", each.type}}));
  return all;
}

std::vector<DeniedPrincipal> principals_from(const Json& json) {
  std::vector<DeniedPrincipal> all;
  for (const Json& each : json.items())
    all.push_back({to_lower(each["id"].str()), each["type"].text()});
  return all;
}

std::string extension_id(std::string_view scope, std::string_view kind, std::string_view name) {
  return cat({scope == "/" ? "" : scope, "/providers/Microsoft.Authorization/", kind, "/", name});
}

}  // namespace

Json assignment_json(const RoleAssignment& a) {
  Json properties =
      Json::object({{"roleDefinitionId", id_seen_from(a.scope, "roleDefinitions", a.role_id)},
                    {"principalId", a.principal_id},
                    {"principalType", a.principal_type},
                    {"scope", a.scope}});
  set_unless_empty(properties, "condition", a.condition);
  set_unless_empty(properties, "conditionVersion", a.condition_version);
  add_stamp(properties, a.stamp);
  set_unless_empty(properties, "delegatedManagedIdentityResourceId", a.delegated_id);
  set_unless_empty(properties, "description", a.description);
  return Json::object({{"properties", std::move(properties)},
                       {"id", extension_id(a.scope, "roleAssignments", a.name)},
                       {"type", "Microsoft.Authorization/roleAssignments"},
                       {"name", a.name}});
}

Json role_json(const RoleDefinition& role, std::string_view scope) {
  Json properties = Json::object({{"roleName", role.name},
                                  {"type", role.custom ? "CustomRole" : "BuiltInRole"},
                                  {"description", role.description},
                                  {"assignableScopes", Json::strings(role.assignable_scopes)},
                                  {"permissions", permissions_json(role.permissions)}});
  add_stamp(properties, role.stamp);
  return Json::object({{"properties", std::move(properties)},
                       {"id", id_seen_from(scope, "roleDefinitions", role.id)},
                       {"type", "Microsoft.Authorization/roleDefinitions"},
                       {"name", role.id}});
}

Json denial_json(const DenyAssignment& denial) {
  Json properties = denial_body(denial);
  properties.erase("id");
  add_stamp(properties, denial.stamp);
  return Json::object({{"properties", std::move(properties)},
                       {"id", extension_id(denial.scope, "denyAssignments", denial.id)},
                       {"type", "Microsoft.Authorization/denyAssignments"},
                       {"name", denial.id}});
}

std::string group_id(std::string_view name) {
  return cat({"/providers/Microsoft.Management/managementGroups/", name});
}

Json group_json(const ManagementGroup& group, const ManagementGroup* parent,
                std::string_view tenant_id) {
  Json details = Json::object({{"version", group.version},
                               {"updatedTime", format_iso8601(group.updated)},
                               {"updatedBy", group.updated_by},
                               {"parent", Json()}});
  if (parent != nullptr)
    details.set("parent", Json::object({{"id", group_id(parent->name)},
                                        {"name", parent->name},
                                        {"displayName", parent->display_name}}));
  return Json::object({{"id", group_id(group.name)},
                       {"type", "Microsoft.Management/managementGroups"},
                       {"name", group.name},
                       {"properties", Json::object({{"tenantId", tenant_id},
                                                    {"displayName", group.display_name},
                                                    {"details", std::move(details)}})}});
}

Json role_body(const RoleDefinition& role) {
  return Json::object({{"id", role.id},
                       {"name", role.name},
                       {"description", role.description},
                       {"assignableScopes", Json::strings(role.assignable_scopes)},
                       {"permissions", permissions_json(role.permissions)}});
}

Json denial_body(const DenyAssignment& denial) {
  return Json::object({{"id", denial.id},
                       {"denyAssignmentName", denial.name},
                       {"description", denial.description},
                       {"permissions", permissions_json(denial.permissions)},
                       {"scope", denial.scope},
                       {"doNotApplyToChildScopes", denial.not_below},
                       {"principals", principals_json(denial.principals)},
                       {"excludePrincipals", principals_json(denial.excluded)},
                       {"isSystemProtected", denial.system}});
}

DenyAssignment denial_from_json(const Json& json) {
  DenyAssignment denial;
  denial.id = json["id"].text();
  denial.name = json["denyAssignmentName"].text();
  denial.description = json["description"].text();
  denial.scope = json["scope"].text();
  denial.not_below = json["doNotApplyToChildScopes"].boolean();
  denial.system = json["isSystemProtected"].boolean(true);
  for (const Json& each : json["permissions"].items())
    denial.permissions.push_back(permission_from_json(each));
  denial.principals = principals_from(json["principals"]);
  denial.excluded = principals_from(json["excludePrincipals"]);
  return denial;
}

}  // namespace lazuli::authorization
