// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/resources/resource-groups
#include "base/strings.h"
#include "core/arm.h"
#include "services/resources/handlers.h"

namespace lazuli::resources {
namespace {

Json group_json(const core::Installation& installation, const ResourceGroup& group) {
  return Json::object({{"id", cat({"/subscriptions/", installation.subscription_id,
                                   "/resourceGroups/", group.name})},
                       {"name", group.name},
                       {"type", "Microsoft.Resources/resourceGroups"},
                       {"location", group.location},
                       {"tags", group.tags},
                       {"properties", Json::object({{"provisioningState", "Succeeded"}})}});
}

// 1-90 characters: letters, digits, '_', '-', '.', '(' and ')', not ending in a period.
bool is_group_name(std::string_view name) {
  if (name.empty() || name.size() > 90 || name.back() == '.') return false;
  for (char c : name) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && std::string_view("_-.()").find(c) == std::string_view::npos) return false;
  }
  return true;
}

Result<ResourceGroup> find_group(const Parts& parts, const Context& context) {
  TRY(check_subscription(parts, context));
  const std::string& name = context.param("rg");
  auto group = TRY(parts.store->find(parts.installation.subscription_id, name));
  if (!group)
    return not_found(cat({"Resource group '", name, "' could not be found."}),
                     "ResourceGroupNotFound");
  return *group;
}

}  // namespace

Answer list_groups(const Parts& parts, Context& context) {
  TRY(check_subscription(parts, context));
  Json::Array groups;
  for (const ResourceGroup& group : TRY(parts.store->list(parts.installation.subscription_id)))
    groups.push_back(group_json(parts.installation, group));
  return core::json_response(core::arm_list(std::move(groups)));
}

Answer get_group(const Parts& parts, Context& context) {
  return core::json_response(group_json(parts.installation, TRY(find_group(parts, context))));
}

// "Check Existence": 204 or 404.
Answer head_group(const Parts& parts, Context& context) {
  TRY(find_group(parts, context));
  return http::Response(204);
}

// "Create Or Update": 201 when new, else 200.
Answer put_group(const Parts& parts, Context& context) {
  TRY(check_subscription(parts, context));
  Json body = TRY(context.json());
  ResourceGroup group{parts.installation.subscription_id, context.param("rg"),
                      std::string(body["location"].str()), body["tags"]};
  if (!is_group_name(group.name))
    return invalid_argument(cat({"'", group.name, "' is not a valid resource group name."}),
                            "InvalidResourceGroup");
  if (group.location.empty())
    return invalid_argument("The location property is required for this definition.",
                            "LocationRequired");
  if (group.tags.is_null()) group.tags = Json::object();
  bool created = TRY(parts.store->put(group));
  return core::json_response(group_json(parts.installation, group), created ? 201 : 200);
}

}  // namespace lazuli::resources
