// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/resources/resources/list
#include "base/strings.h"
#include "core/arm.h"
#include "engines/template/ids.h"
#include "services/resources/resource_filter.h"
#include "services/resources/resource_list.h"
#include "services/resources/scope.h"

namespace lazuli::resources {
namespace {

// What a list shows of a resource; $expand adds more.
Json generic_json(const Json& resource, std::string_view expand) {
  Json shown = Json::object();
  for (std::string_view member : {"id", "name", "type", "location", "tags", "kind", "sku", "plan",
                                  "identity", "managedBy", "zones", "systemData"})
    if (const Json* value = resource.find(member)) shown.set(member, *value);
  const auto wants = [&](std::string_view what) {
    for (std::string_view each : split(expand, ','))
      if (iequals(trim(each), what)) return true;
    return false;
  };
  if (wants("provisioningState"))
    shown.set("provisioningState", resource["properties"]["provisioningState"].is_null()
                                       ? Json("Succeeded")
                                       : resource["properties"]["provisioningState"]);
  const Json& system = resource["systemData"];
  if (wants("createdTime")) shown.set("createdTime", system["createdAt"]);
  if (wants("changedTime")) shown.set("changedTime", system["lastModifiedAt"]);
  return shown;
}

Answer list_in(const Parts& parts, Context& context) {
  const Scope scope = TRY(find_scope(parts, context));
  const core::Page page = TRY(core::page_of(context));
  const ResourceFilter filter = TRY(ResourceFilter::parse(context.query_or("$filter", "")));
  Json::Array items;
  size_t index = 0;
  for (const Json& each : TRY(list_resources(parts, context.principal(), scope.id()))) {
    if (!filter.matches(each)) continue;
    if (index++ >= page.skip && items.size() < page.top)
      items.push_back(generic_json(each, context.query_or("$expand", "")));
  }
  const bool more = index > page.skip + items.size();
  return core::json_response(
      core::arm_list(std::move(items), more ? core::next_link(context, page) : std::string()));
}

}  // namespace

Answer list_group_resources(const Parts& parts, Context& context) {
  return list_in(parts, context);
}

Answer list_subscription_resources(const Parts& parts, Context& context) {
  return list_in(parts, context);
}

}  // namespace lazuli::resources
