// SPDX-License-Identifier: Apache-2.0
// A deployment's surroundings.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-scope
#include "engines/template/functions.h"
#include "engines/template/ids.h"

namespace lazuli::templates {
namespace {

Result<Json> known(const Call& call, const Json& value) {
  if (!value.is_null()) return value;
  return template_error(cat({"The template function '", call.name,
                             "' is not expected at this location: the deployment has no such "
                             "scope."}));
}

// resourceGroup() of the deployment; with a name, what an id of another scope is made of.
Result<Json> call_resource_group(const Call& call) {
  return known(call, call.environment.facts->resource_group_json);
}
Result<Json> call_subscription(const Call& call) {
  return known(call, call.environment.facts->subscription_json);
}
Result<Json> call_tenant(const Call& call) {
  return known(call, call.environment.facts->tenant_json);
}
Result<Json> call_management_group(const Call& call) {
  return known(call, call.environment.facts->management_group_json);
}
Result<Json> call_deployment(const Call& call) {
  return known(call, call.environment.facts->deployment_json);
}
Result<Json> call_environment(const Call& call) {
  return known(call, call.environment.facts->environment_json);
}
Result<Json> call_deployer(const Call& call) {
  return known(call, call.environment.facts->deployer_json);
}

// providers(namespace, [type])
Result<Json> call_providers(const Call& call) {
  const std::string name = TRY(call.text(0));
  for (const Json& provider : call.environment.facts->providers.items()) {
    if (!iequals(provider["namespace"].str(), name)) continue;
    if (!call.has(1)) return provider;
    const std::string type = TRY(call.text(1));
    for (const Json& each : provider["resourceTypes"].items())
      if (iequals(each["resourceType"].str(), type)) return each;
    return call.fault(cat({"'", name, "/", type, "' is no resource type."}));
  }
  return call.fault(cat({"'", name, "' is no resource provider."}));
}

// A region here is one machine or one cluster: there are no zones to pick.
Result<Json> call_pick_zones(const Call& call) {
  for (size_t i = 0; i < 3; ++i) TRY(call.text(i));
  return Json::array();
}

Result<Json> call_to_zone(const Call& call) {
  TRY(call.text(0));
  TRY(call.text(1));
  TRY(call.text(2));
  return call.fault("the region has no availability zones.");
}

Result<Json> call_to_zones(const Call& call) {
  TRY(call.text(0));
  TRY(call.text(1));
  if (TRY(call.array(2)).empty()) return Json::array();
  return call.fault("the region has no availability zones.");
}

// roleDefinitions('Contributor') → {"id", "roleDefinitionId"}
Result<Json> call_role_definitions(const Call& call) {
  const std::string name = TRY(call.text(0));
  for (const Json& role : call.environment.facts->roles.items()) {
    if (!iequals(role["roleName"].str(), name)) continue;
    const std::string id(role["id"].str());
    return Json::object(
        {{"id", TRY(resource_id("", "Microsoft.Authorization/roleDefinitions", id))},
         {"roleDefinitionId", id}});
  }
  return call.fault(cat({"'", name, "' is no built-in role."}));
}

constexpr Function kFunctions[] = {
    {"resourceGroup", 0, 0, call_resource_group},
    {"subscription", 0, 0, call_subscription},
    {"tenant", 0, 0, call_tenant},
    {"managementGroup", 0, 0, call_management_group},
    {"deployment", 0, 0, call_deployment},
    {"environment", 0, 0, call_environment},
    {"deployer", 0, 0, call_deployer},
    {"providers", 1, 2, call_providers},
    {"pickZones", 3, 5, call_pick_zones},
    {"toLogicalZone", 3, 3, call_to_zone},
    {"toPhysicalZone", 3, 3, call_to_zone},
    {"toLogicalZones", 3, 3, call_to_zones},
    {"toPhysicalZones", 3, 3, call_to_zones},
    {"roleDefinitions", 1, 1, call_role_definitions},
};

}  // namespace

std::span<const Function> scope_functions() { return kFunctions; }

}  // namespace lazuli::templates
