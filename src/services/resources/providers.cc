// SPDX-License-Identifier: Apache-2.0
#include "services/resources/providers.h"

#include <set>

#include "base/strings.h"
#include "core/dispatch.h"

namespace lazuli::resources {
namespace {

constexpr std::string_view kGroupProviders = "/subscriptions/{sub}/resourceGroups/{rg}/providers/";

// What lies in a group without being one of its resources.
bool is_no_resource(std::string_view type) {
  return istarts_with(type, "Microsoft.Authorization/") ||
         istarts_with(type, "Microsoft.Insights/eventtypes") ||
         iequals(type, "Microsoft.Resources/deployments");
}

}  // namespace

std::vector<std::string> listable_types(const std::vector<core::Manifest>& manifests) {
  std::set<std::string> types;
  for (const core::Manifest& manifest : manifests) {
    for (const core::Route& route : manifest.routes) {
      if (route.host != core::Host::kManagement || route.method != http::Method::kGet ||
          !route.handler || !route.query.empty() || !istarts_with(route.path, kGroupProviders))
        continue;
      const std::string type = route.path.substr(kGroupProviders.size());
      if (split(type, '/').size() == 2 && type.find('{') == type.npos && !is_no_resource(type))
        types.insert(type);
    }
  }
  return {types.begin(), types.end()};
}

Json providers_json(const Parts& parts) {
  std::map<std::string, std::map<std::string, core::ResourceType>> spaces;
  for (const core::Manifest& manifest : parts.dispatcher->manifests())
    for (const core::ResourceType& type : manifest.resource_types) {
      const size_t slash = type.type.find('/');
      if (slash == type.type.npos) continue;
      spaces[type.type.substr(0, slash)][type.type.substr(slash + 1)] = type;
    }
  Json providers = Json::array();
  const core::Installation& installation = parts.installation;
  for (const auto& [space, types] : spaces) {
    Json listed = Json::array();
    for (const auto& [name, type] : types) {
      Json versions = Json::strings(type.api_versions);
      listed.push_back(Json::object({{"resourceType", name},
                                     {"locations", Json::array({Json(installation.region)})},
                                     {"apiVersions", std::move(versions)},
                                     {"capabilities", "SupportsTags, SupportsLocation"}}));
    }
    providers.push_back(Json::object(
        {{"id", cat({"/subscriptions/", installation.subscription_id, "/providers/", space})},
         {"namespace", space},
         {"registrationState", "Registered"},
         {"registrationPolicy", "RegistrationFree"},
         {"resourceTypes", std::move(listed)}}));
  }
  return providers;
}

}  // namespace lazuli::resources
