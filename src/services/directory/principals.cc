// SPDX-License-Identifier: Apache-2.0
#include "services/directory/principals.h"

#include "base/ids.h"
#include "base/strings.h"
#include "services/directory/app_roles.h"

namespace lazuli::directory {
namespace {

std::vector<std::string> texts(const Json& items) {
  std::vector<std::string> all;
  for (const Json& each : items.items()) all.push_back(each.text());
  return all;
}

}  // namespace

Principal principal_of(const Object& object) {
  Principal principal;
  principal.object_id = object.object_id;
  principal.kind = object.kind == kUser    ? PrincipalKind::kUser
                   : object.kind == kGroup ? PrincipalKind::kGroup
                                           : PrincipalKind::kServicePrincipal;
  principal.name = object.name;
  principal.app_id = object.app_id.value_or("");
  principal.upn = object.upn.value_or("");
  principal.resource_id = object.resource_id.value_or("");
  principal.enabled = object.enabled;
  principal.not_before = object.not_before;
  return principal;
}

std::optional<Principal> principal_of(const std::optional<Object>& object) {
  if (!object || object->kind == kApplication) return {};
  return principal_of(*object);
}

Application application_of(const Object& object) {
  const Json& properties = object.properties;
  Application application;
  application.object_id = object.object_id;
  application.app_id = object.app_id.value_or("");
  application.name = object.name;
  application.identifier_uris = texts(properties["identifierUris"]);
  application.web_redirects = texts(properties["web"]["redirectUris"]);
  application.spa_redirects = texts(properties["spa"]["redirectUris"]);
  application.public_redirects = texts(properties["publicClient"]["redirectUris"]);
  application.public_client = properties["isFallbackPublicClient"].boolean();
  application.scopes = app_scopes(object);
  for (const Json& resource : properties["requiredResourceAccess"].items())
    for (const Json& access : resource["resourceAccess"].items())
      if (access["type"].str() == "Scope")
        application.required_scopes.emplace_back(to_lower(resource["resourceAppId"].str()),
                                                 to_lower(access["id"].str()));
  if (properties["api"]["requestedAccessTokenVersion"].integer() == 2)
    application.token_version = 2;
  return application;
}

Object new_object(std::string_view kind, std::string name) {
  Object object;
  object.object_id = new_uuid();
  object.kind = kind;
  object.name = std::move(name);
  object.created = now();
  return object;
}

Object new_application(std::string name) {
  Object application = new_object(kApplication, std::move(name));
  application.app_id = new_uuid();
  return application;
}

Object new_service_principal(const std::string& app_id, std::string name) {
  Object principal = new_object(kServicePrincipal, std::move(name));
  principal.app_id = app_id;
  principal.properties.set("servicePrincipalType", "Application");
  return principal;
}

Object new_managed_identity(const std::string& resource_id, bool explicit_identity) {
  size_t slash = resource_id.rfind('/');
  Object principal = new_service_principal(
      new_uuid(), resource_id.substr(slash == std::string::npos ? 0 : slash + 1));
  principal.resource_id = resource_id;
  principal.explicit_identity = explicit_identity;
  principal.properties.set("servicePrincipalType", "ManagedIdentity");
  principal.properties.set(
      "alternativeNames",
      Json::array({explicit_identity ? "isExplicit=True" : "isExplicit=False", resource_id}));
  return principal;
}

}  // namespace lazuli::directory
