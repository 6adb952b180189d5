// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/resources/subscriptions
#include "base/strings.h"
#include "core/arm.h"
#include "services/resources/handlers.h"
#include "services/resources/providers.h"

namespace lazuli::resources {
namespace {

Json subscription_json(const core::Installation& installation) {
  return Json::object({{"id", "/subscriptions/" + installation.subscription_id},
                       {"subscriptionId", installation.subscription_id},
                       {"tenantId", installation.tenant_id},
                       {"displayName", installation.cloud_name},
                       {"state", "Enabled"},
                       {"authorizationSource", "RoleBased"}});
}

}  // namespace

Result<bool> may(const Parts& parts, const Context& context, std::string_view operation,
                 const std::string& scope) {
  auto allowed = parts.authorization->authorizer().authorize(
      context.principal(), core::Operation{std::string(operation)}, scope);
  if (allowed.ok()) return true;
  if (allowed.error().code == Code::kPermissionDenied) return false;
  return allowed.error();
}

Result<void> check_subscription(const Parts& parts, const Context& context) {
  if (iequals(context.param("sub"), parts.installation.subscription_id)) return {};
  return not_found(cat({"The subscription '", context.param("sub"), "' could not be found."}),
                   "SubscriptionNotFound");
}

Answer list_tenants(const Parts& parts, Context&) {
  Json tenant = Json::object({{"id", "/tenants/" + parts.installation.tenant_id},
                              {"tenantId", parts.installation.tenant_id},
                              {"displayName", parts.installation.cloud_name},
                              {"defaultDomain", parts.installation.domain}});
  return core::json_response(core::arm_list({std::move(tenant)}));
}

// Shown to whoever may read it or has a role on anything within: clients begin here.
Answer list_subscriptions(const Parts& parts, Context& context) {
  const core::Principal& caller = context.principal();
  const std::string scope = cat({"/subscriptions/", parts.installation.subscription_id});
  bool shown = TRY(may(parts, context, "Microsoft.Resources/subscriptions/read", scope));
  if (!shown && !caller.grants())
    shown = TRY(parts.authorization->holds_within(caller.object_id(), scope));
  Json::Array found;
  if (shown) found.push_back(subscription_json(parts.installation));
  return core::json_response(core::arm_list(std::move(found)));
}

Answer get_subscription(const Parts& parts, Context& context) {
  TRY(check_subscription(parts, context));
  return core::json_response(subscription_json(parts.installation));
}

Answer list_locations(const Parts& parts, Context& context) {
  TRY(check_subscription(parts, context));
  const std::string& region = parts.installation.region;
  Json location = Json::object(
      {{"id", cat({"/subscriptions/", parts.installation.subscription_id, "/locations/", region})},
       {"name", region},
       {"displayName", region},
       {"regionalDisplayName", region},
       {"type", "Region"},
       {"metadata", Json::object({{"regionType", "Physical"}})}});
  return core::json_response(core::arm_list({std::move(location)}));
}

Answer list_providers(const Parts& parts, Context& context) {
  TRY(check_subscription(parts, context));
  return core::json_response(core::arm_list(Json::Array(providers_json(parts).items())));
}

Answer get_provider(const Parts& parts, Context& context) {
  TRY(check_subscription(parts, context));
  const Json providers = providers_json(parts);
  for (const Json& provider : providers.items())
    if (iequals(provider["namespace"].str(), context.param("namespace")))
      return core::json_response(provider);
  return not_found(cat({"The resource namespace '", context.param("namespace"), "' is invalid."}),
                   "InvalidResourceNamespace");
}

Answer unregister_provider(const Parts& parts, Context& context) {
  TRY(get_provider(parts, context));
  return conflict(cat({"The resource provider '", context.param("namespace"),
                       "' is part of the server and stays registered."}),
                  "ResourceProviderInUse");
}

}  // namespace lazuli::resources
