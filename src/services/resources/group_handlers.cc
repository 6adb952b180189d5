// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/resources/resource-groups
#include "base/strings.h"
#include "core/arm.h"
#include "core/auth.h"
#include "core/groups.h"
#include "core/tags.h"
#include "services/resources/deployment_runner.h"
#include "services/resources/handlers.h"
#include "services/resources/resource_list.h"
#include "services/resources/tags.h"

namespace lazuli::resources {

namespace {

constexpr std::string_view kReadGroup = "Microsoft.Resources/subscriptions/resourceGroups/read";

}  // namespace

std::string group_id(const core::Installation& installation, std::string_view name) {
  return cat({"/subscriptions/", installation.subscription_id, "/resourceGroups/", name});
}

Json group_json(const core::Installation& installation, const ResourceGroup& group) {
  const char* state = group.deleting ? "Deleting" : "Succeeded";
  return Json::object({{"id", group_id(installation, group.name)},
                       {"name", group.name},
                       {"type", "Microsoft.Resources/resourceGroups"},
                       {"location", group.location},
                       {"tags", group.tags},
                       {"properties", Json::object({{"provisioningState", state}})}});
}

namespace {

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
    if (TRY(may(parts, context, kReadGroup, group_id(parts.installation, group.name))))
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
  if (core::region_of(group.location).empty())
    return invalid_argument(cat({"The provided location '", group.location.substr(0, 100),
                                 "' is not available for resource group."}),
                            "LocationNotAvailableForResourceGroup");
  group.tags = TRY(core::checked_tags(group.tags));
  bool created = TRY(parts.store->put(group));
  return core::json_response(group_json(parts.installation, group), created ? 201 : 200);
}

Answer patch_group(const Parts& parts, Context& context) {
  ResourceGroup group = TRY(find_group(parts, context));
  const Json body = TRY(context.json());
  if (body.contains("tags")) group.tags = TRY(core::checked_tags(body["tags"]));
  TRY(parts.store->put(group));
  return core::json_response(group_json(parts.installation, group));
}

namespace {

// What a group holds ends in one transaction: every service erases what is its own when it learns
// of the group's end, or refuses, and then nothing is gone.
Result<void> erase_group(const Parts& parts, const Context& context, const ResourceGroup& group) {
  const std::string id = group_id(parts.installation, group.name);
  std::vector<std::string> ids{id};  // itself too: it may have been locked meanwhile
  for (const Json& each : TRY(list_resources(parts, core::server_reader(std::string(kSystem)), id)))
    ids.emplace_back(each["id"].str());
  TRY(check_deletable(parts, context.principal(), ids));
  return parts.store->erase(group.subscription_id, group.name, [&](db::Tx& tx) -> Result<void> {
    TRY(parts.runner->end_all_of(tx, id));
    return core::publish_deleted(*parts.events, tx, id);
  });
}

}  // namespace

// All resources go with the group; where one of them can't, nothing does. From the first look at
// them on nothing new is made there.
Answer delete_group(const Parts& parts, Context& context) {
  const ResourceGroup group = TRY(find_group(parts, context));
  if (iequals(group.name, parts.installation.resource_group))
    return conflict(cat({"The resource group '", group.name,
                         "' holds what the installation itself was made with and stays."}),
                    "ResourceGroupDeletionBlocked");
  TRY(parts.store->begin_deleting(group.subscription_id, group.name));
  auto erased = erase_group(parts, context, group);
  if (!erased.ok()) {
    TRY(parts.store->stop_deleting(group.subscription_id, group.name));
    return std::move(erased).error();
  }
  return http::Response(200);
}

}  // namespace lazuli::resources
