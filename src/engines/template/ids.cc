// SPDX-License-Identifier: Apache-2.0
#include "engines/template/ids.h"

#include "engines/template/functions.h"

namespace lazuli::templates {

std::string subscription_scope(std::string_view subscription) {
  return cat({"/subscriptions/", subscription});
}

std::string group_scope(std::string_view subscription, std::string_view group) {
  return cat({"/subscriptions/", subscription, "/resourceGroups/", group});
}

std::string management_group_scope(std::string_view name) {
  return cat({"/providers/Microsoft.Management/managementGroups/", name});
}

std::string scope_of(const Facts& facts) {
  switch (facts.scope) {
    case ScopeKind::kResourceGroup:
      return group_scope(facts.subscription_id, facts.resource_group);
    case ScopeKind::kSubscription:
      return subscription_scope(facts.subscription_id);
    case ScopeKind::kManagementGroup:
      return management_group_scope(facts.management_group);
    case ScopeKind::kTenant:
      return {};
  }
  return {};
}

Result<std::string> resource_id(std::string_view scope, std::string_view type,
                                std::string_view name) {
  const std::vector<std::string_view> types = split(type, '/');
  const std::vector<std::string_view> names = split(name, '/');
  if (types.size() < 2 || types.size() != names.size() + 1)
    return template_error(
        cat({"The resource name '", name.substr(0, 200), "' of type '", type.substr(0, 200),
             "' must have one segment less than its type."}));
  for (std::string_view each : names)
    if (each.empty())
      return template_error(
          cat({"The resource name '", name.substr(0, 200), "' has an empty segment."}));
  if (iequals(type, "Microsoft.Resources/resourceGroups"))
    return cat({scope, "/resourceGroups/", name});
  if (iequals(type, "Microsoft.Management/managementGroups")) return management_group_scope(name);
  std::string id = cat({scope, "/providers/", types[0]});
  for (size_t i = 0; i < names.size(); ++i) id += cat({"/", types[i + 1], "/", names[i]});
  return id;
}

TypeAndName type_and_name(std::string_view id) {
  TypeAndName parsed;
  const std::vector<std::string_view> pieces = split(id, '/');
  size_t provider = pieces.size();
  while (provider-- > 0)
    if (iequals(pieces[provider], "providers")) break;
  if (provider >= pieces.size()) {  // no provider: a resource group, a subscription
    if (pieces.size() == 5)
      return {"Microsoft.Resources/resourceGroups", std::string(pieces[4]),
              cat({"/", pieces[1], "/", pieces[2]})};
    if (pieces.size() == 3)
      return {"Microsoft.Resources/subscriptions", std::string(pieces[2]), {}};
    return parsed;
  }
  if (provider + 3 >= pieces.size()) return parsed;
  parsed.type = pieces[provider + 1];
  for (size_t i = provider + 2; i + 1 < pieces.size(); i += 2) {
    parsed.type += cat({"/", pieces[i]});
    parsed.name += cat({parsed.name.empty() ? "" : "/", pieces[i + 1]});
  }
  for (size_t i = 1; i < provider; ++i) parsed.scope += cat({"/", pieces[i]});
  return parsed;
}

}  // namespace lazuli::templates
