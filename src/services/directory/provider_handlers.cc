// SPDX-License-Identifier: Apache-2.0
#include "services/directory/provider_handlers.h"

#include <algorithm>

#include "base/strings.h"
#include "core/arm.h"

namespace lazuli::directory {
namespace {

constexpr std::string_view kOdataType = "#microsoft.graph.openIdConnectIdentityProvider";
constexpr std::string_view kFragment = "identity/identityProviders";
constexpr size_t kTextMax = 600;
// Ours: what is done with an account that nobody has linked.
constexpr std::string_view kNoMatching = "none", kByEmail = "verifiedEmail";

Json provider_json(const IdentityProvider& provider) {
  return Json::object({{"@odata.type", kOdataType},
                       {"id", provider.id},
                       {"displayName", provider.name},
                       {"issuer", provider.issuer},
                       {"clientId", provider.client_id},
                       {"clientSecret", "****"},
                       {"scope", provider.scopes},
                       {"accountMatching", provider.match_email ? kByEmail : kNoMatching},
                       {"responseType", "code"}});
}

Answer list_providers(const Graph& graph, Context& context) {
  Json::Array items;
  const std::vector<IdentityProvider> providers = TRY(graph.external.providers());
  for (const IdentityProvider& each : providers) items.push_back(provider_json(each));
  return collection(context, kFragment, std::move(items));
}

Answer create_provider(const Graph& graph, Context& context) {
  const Json body = TRY(context.json());
  IdentityProvider provider;
  provider.name = body["displayName"].text();
  provider.issuer = body["issuer"].text();
  provider.client_id = body["clientId"].text();
  provider.scopes = body["scope"].str("openid profile email");
  TRY(check_name(provider.name, "displayName"));
  if (!provider.issuer.starts_with("https://") || provider.issuer.size() > kTextMax)
    return bad_request("Invalid value specified for property 'issuer' of resource.");
  if (provider.client_id.empty() || provider.client_id.size() > kTextMax)
    return bad_request("Invalid value specified for property 'clientId' of resource.");
  std::vector<std::string_view> scopes = split(provider.scopes, ' ');
  if (std::find(scopes.begin(), scopes.end(), "openid") == scopes.end())
    return bad_request("'scope' must hold openid.");
  const std::string matching = body["accountMatching"].text();
  provider.match_email = matching == kByEmail;
  if (!matching.empty() && !provider.match_email && matching != kNoMatching)
    return bad_request("'accountMatching' must be none or verifiedEmail.");
  const std::vector<IdentityProvider> known = TRY(graph.external.providers());
  for (const IdentityProvider& each : known)
    if (each.issuer == provider.issuer)
      return conflict("There is an identity provider with this issuer already.",
                      "Request_MultipleObjectsWithSameKeyValue");
  IdentityProvider made =
      TRY(graph.external.add_provider(provider, SecretString(body["clientSecret"].str())));
  return entity(context, kFragment, provider_json(made), 201);
}

Answer delete_provider(const Graph& graph, Context& context) {
  auto removed = graph.external.remove_provider(context.param("id"));
  if (!removed.ok() && removed.error().code == Code::kNotFound)
    return no_such_object(context.param("id"));
  TRY(std::move(removed));
  return no_content();
}

}  // namespace

void describe_providers(core::Manifest& manifest, std::function<const Graph&()> graph) {
  using Function = Answer (*)(const Graph&, Context&);
  auto add = [&](http::Method method, std::string path, std::string id, std::string verb,
                 Function function) {
    core::Route route;
    route.host = core::Host::kGraph;
    route.method = method;
    route.path = std::move(path);
    route.operation = {"Microsoft.Authorization/directory/identityProviders/" + verb};
    route.operation_id = std::move(id);
    route.credentials = {core::Credential::kGraphToken};
    route.errors = core::ErrorShape::kGraph;
    route.scope = [](const Context&) -> Result<std::string> { return std::string("/"); };
    route.summary = "External identity providers.";
    route.handler = [graph, function](Context& context) { return function(graph(), context); };
    manifest.routes.push_back(std::move(route));
  };
  const std::string base = "/{version}/identity/identityProviders";
  add(http::Method::kGet, base, "identityProvider_List", "read", list_providers);
  add(http::Method::kPost, base, "identityProvider_Create", "write", create_provider);
  add(http::Method::kDelete, base + "/{id}", "identityProvider_Delete", "delete", delete_provider);
}

}  // namespace lazuli::directory
