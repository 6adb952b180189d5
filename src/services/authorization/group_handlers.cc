// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/rest/api/managementgroups, as azure-mgmt-managementgroups calls it.
#include "base/strings.h"
#include "core/arm.h"
#include "services/authorization/handlers.h"
#include "services/authorization/scope.h"
#include "services/authorization/wire.h"

namespace lazuli::authorization {
namespace {

constexpr const char* kRead = "Microsoft.Management/managementGroups/read";
constexpr const char* kWrite = "Microsoft.Management/managementGroups/write";
constexpr const char* kAssign = "Microsoft.Authorization/roleAssignments/write";
constexpr size_t kDepthMax = 6;  // levels below the root
constexpr size_t kGroupsMax = 10000;

Error not_there(std::string_view name) {
  return not_found(cat({"The management group '", name, "' cannot be found."}),
                   "ManagementGroupNotFound");
}

// 1-90 letters, digits, '_', '-', '.', '(' and ')', not ending in a period.
bool is_name(std::string_view name) {
  if (name.empty() || name.size() > 90 || name.back() == '.') return false;
  for (char c : name) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && std::string_view("_-.()").find(c) == std::string_view::npos) return false;
  }
  return true;
}

const ManagementGroup* parent_of(const Policy& policy, const ManagementGroup& group) {
  if (group.name == policy.root_group()) return nullptr;
  return policy.group(group.parent.empty() ? policy.root_group() : group.parent);
}

Json child_json(const Policy& policy, const core::Installation& installation,
                const ManagementGroup& group, bool recurse);

Json children_json(const Policy& policy, const core::Installation& installation,
                   const ManagementGroup& group, bool recurse) {
  Json children = Json::array();
  for (const ManagementGroup* each : policy.groups())
    if (parent_of(policy, *each) == &group)
      children.push_back(child_json(policy, installation, *each, recurse));
  if (iequals(policy.group_of_subscription(installation.subscription_id), group.name))
    children.push_back(Json::object({{"id", "/subscriptions/" + installation.subscription_id},
                                     {"type", "/subscriptions"},
                                     {"name", installation.subscription_id},
                                     {"displayName", installation.cloud_name}}));
  return children;
}

Json child_json(const Policy& policy, const core::Installation& installation,
                const ManagementGroup& group, bool recurse) {
  Json json = Json::object({{"id", group_id(group.name)},
                            {"type", "Microsoft.Management/managementGroups"},
                            {"name", group.name},
                            {"displayName", group.display_name}});
  if (recurse) json.set("children", children_json(policy, installation, group, true));
  return json;
}

Json full_json(const Parts& parts, const Policy& policy, const ManagementGroup& group) {
  return group_json(group, parent_of(policy, group), parts.installation.tenant_id);
}

// "/providers/Microsoft.Management/managementGroups/parent", or nothing: the root.
Result<std::string> parent_from(const Policy& policy, std::string_view id) {
  if (id.empty()) return policy.root_group();
  const ManagementGroup* parent = policy.group(group_of(id));
  if (parent == nullptr) return not_there(id.substr(0, 200));
  return parent->name;
}

// A group may not end up below itself or too deep, with all that is below it.
Result<void> check_parent(const Policy& policy, const std::string& name,
                          const std::string& parent) {
  const std::string own = group_id(name);
  if (policy.group(name) != nullptr && policy.covers(own, group_id(parent)))
    return invalid_argument("A management group cannot be below itself.", "InvalidParent");
  size_t height = 0;
  for (const ManagementGroup* each : policy.groups())
    if (policy.covers(own, group_id(each->name)))
      height = std::max(height, policy.chain(group_id(each->name)).size());
  const size_t own_depth = policy.group(name) == nullptr ? 0 : policy.chain(own).size();
  const size_t below = height > own_depth ? height - own_depth : 0;
  // The chain of a group holds the prefixes of its id and the tenant beside its ancestors.
  const size_t fixed = policy.chain(group_id(policy.root_group())).size();
  const size_t depth = policy.chain(group_id(parent)).size() - fixed + 1;
  if (depth + below > kDepthMax)
    return invalid_argument("Management groups can be six levels deep.", "HierarchyTooDeep");
  return {};
}

// Moving something changes who may do what to it: the right to assign roles there is needed, and to
// write both parents.
Result<void> require_move(Parts& parts, const Context& context, const std::string& moved,
                          const std::string& from, const std::string& to) {
  if (!moved.empty()) TRY(require(parts, context, kAssign, moved));
  if (!from.empty()) TRY(require(parts, context, kWrite, group_id(from)));
  return require(parts, context, kWrite, group_id(to));
}

Result<ManagementGroup> save_group(Parts& parts, const Context& context, const Policy& policy,
                                   ManagementGroup wanted, const ManagementGroup* before) {
  if (wanted.name == policy.root_group())
    return invalid_argument("The tenant's root group cannot be changed.", "RootGroupNotModifiable");
  if (before == nullptr && policy.groups().size() > kGroupsMax)
    return invalid_argument("There are too many management groups.", "TooManyManagementGroups");
  if (before == nullptr || !iequals(before->parent, wanted.parent)) {
    TRY(check_parent(policy, wanted.name, wanted.parent));
    TRY(require_move(parts, context, before == nullptr ? "" : group_id(wanted.name),
                     before == nullptr ? "" : before->parent, wanted.parent));
  }
  wanted.version = before == nullptr ? 1 : before->version + 1;
  wanted.updated_by = context.principal().object_id();
  wanted.updated = now();
  TRY(parts.store->handle().write([&](db::Tx& tx) -> Result<void> {
    TRY(parts.store->put_group(tx, wanted));
    return parts.changed(tx, "managementGroup", group_id(wanted.name), wanted.name);
  }));
  return wanted;
}

Json subscription_json(const Parts& parts, std::string_view group) {
  const std::string& id = parts.installation.subscription_id;
  return Json::object(
      {{"id", cat({group_id(group), "/subscriptions/", id})},
       {"type", "Microsoft.Management/managementGroups/subscriptions"},
       {"name", id},
       {"properties", Json::object({{"tenant", parts.installation.tenant_id},
                                    {"displayName", parts.installation.cloud_name},
                                    {"parent", Json::object({{"id", group_id(group)}})},
                                    {"state", "Active"}})}});
}

Result<void> check_subscription(const Parts& parts, const Context& context) {
  if (iequals(context.param("sub"), parts.installation.subscription_id)) return {};
  return not_found(cat({"The subscription '", context.param("sub"), "' could not be found."}),
                   "SubscriptionNotFound");
}

Result<void> move_subscription(Parts& parts, const Context& context, const std::string& to,
                               const std::string& stored) {
  auto policy = TRY(parts.rbac->policy());
  const std::string& id = parts.installation.subscription_id;
  const std::string from = policy->group_of_subscription(id);
  if (!iequals(from, to)) TRY(require_move(parts, context, "/subscriptions/" + id, from, to));
  return parts.store->handle().write([&](db::Tx& tx) -> Result<void> {
    TRY(parts.store->place(tx, id, stored));
    return parts.changed(tx, "managementGroupSubscription", group_id(to), id);
  });
}

}  // namespace

// "List": those the caller may read.
Answer list_groups(Parts& parts, Context& context) {
  auto policy = TRY(parts.rbac->policy());
  Json::Array found;
  for (const ManagementGroup* each : policy->groups()) {
    if (!require(parts, context, kRead, group_id(each->name)).ok()) continue;
    found.push_back(
        Json::object({{"id", group_id(each->name)},
                      {"type", "Microsoft.Management/managementGroups"},
                      {"name", each->name},
                      {"properties", Json::object({{"tenantId", parts.installation.tenant_id},
                                                   {"displayName", each->display_name}})}}));
  }
  return core::json_response(core::arm_list(std::move(found)));
}

Answer get_group(Parts& parts, Context& context) {
  auto policy = TRY(parts.rbac->policy());
  const ManagementGroup* group = policy->group(context.param("group"));
  if (group == nullptr) return not_there(context.param("group"));
  Json json = full_json(parts, *policy, *group);
  if (iequals(context.query_or("$expand", ""), "children"))
    json["properties"].set("children",
                           children_json(*policy, parts.installation, *group,
                                         iequals(context.query_or("$recurse", ""), "true")));
  return core::json_response(json);
}

// "Create Or Update". Done at once, so no operation is left to poll.
Answer put_group(Parts& parts, Context& context) {
  auto policy = TRY(parts.rbac->policy());
  const Json body = TRY(context.json());
  const Json& properties = body["properties"];
  ManagementGroup wanted;
  const ManagementGroup* before = policy->group(context.param("group"));
  wanted.name = before != nullptr ? before->name : context.param("group");
  if (!is_name(wanted.name))
    return invalid_argument("The name of a management group has 1 to 90 letters, digits or -_.().",
                            "InvalidManagementGroupName");
  wanted.display_name = properties["displayName"].text();
  if (wanted.display_name.empty())
    wanted.display_name = before != nullptr ? before->display_name : wanted.name;
  std::string_view parent = properties["details"]["parent"]["id"].str();
  wanted.parent =
      parent.empty() && before != nullptr ? before->parent : TRY(parent_from(*policy, parent));
  ManagementGroup saved = TRY(save_group(parts, context, *policy, std::move(wanted), before));
  return core::json_response(
      group_json(saved, policy->group(saved.parent), parts.installation.tenant_id));
}

Answer patch_group(Parts& parts, Context& context) {
  auto policy = TRY(parts.rbac->policy());
  const Json body = TRY(context.json());
  const ManagementGroup* before = policy->group(context.param("group"));
  if (before == nullptr) return not_there(context.param("group"));
  ManagementGroup wanted = *before;
  if (!body["displayName"].str().empty()) wanted.display_name = body["displayName"].text();
  if (!body["parentGroupId"].str().empty())
    wanted.parent = TRY(parent_from(*policy, body["parentGroupId"].str()));
  ManagementGroup saved = TRY(save_group(parts, context, *policy, std::move(wanted), before));
  return core::json_response(
      group_json(saved, policy->group(saved.parent), parts.installation.tenant_id));
}

Answer delete_group(Parts& parts, Context& context) {
  auto policy = TRY(parts.rbac->policy());
  const ManagementGroup* group = policy->group(context.param("group"));
  if (group == nullptr) return http::Response(204);
  if (group->name == policy->root_group())
    return invalid_argument("The tenant's root group cannot be deleted.", "RootGroupNotModifiable");
  TRY(parts.store->handle().write([&](db::Tx& tx) -> Result<void> {
    if (!TRY(parts.store->group_is_empty(tx, group->name)))
      return invalid_argument("The management group still has children.",
                              "ManagementGroupNotEmpty");
    TRY(parts.store->remove_group(tx, group->name));
    TRY(core::publish_deleted(*parts.events, tx, group_id(group->name)));
    return parts.changed(tx, "managementGroup", group_id(group->name), group->name);
  }));
  return http::Response(200);
}

Answer list_group_subscriptions(Parts& parts, Context& context) {
  auto policy = TRY(parts.rbac->policy());
  const ManagementGroup* group = policy->group(context.param("group"));
  if (group == nullptr) return not_there(context.param("group"));
  Json::Array found;
  if (iequals(policy->group_of_subscription(parts.installation.subscription_id), group->name))
    found.push_back(subscription_json(parts, group->name));
  return core::json_response(core::arm_list(std::move(found)));
}

Answer get_group_subscription(Parts& parts, Context& context) {
  TRY(check_subscription(parts, context));
  auto policy = TRY(parts.rbac->policy());
  const std::string place = policy->group_of_subscription(parts.installation.subscription_id);
  if (!iequals(place, context.param("group")))
    return not_found("The subscription is not in this management group.", "SubscriptionNotFound");
  return core::json_response(subscription_json(parts, policy->group(place)->name));
}

Answer put_group_subscription(Parts& parts, Context& context) {
  TRY(check_subscription(parts, context));
  auto policy = TRY(parts.rbac->policy());
  const ManagementGroup* group = policy->group(context.param("group"));
  if (group == nullptr) return not_there(context.param("group"));
  const bool root = group->name == policy->root_group();
  TRY(move_subscription(parts, context, group->name, root ? "" : group->name));
  return core::json_response(subscription_json(parts, group->name));
}

Answer delete_group_subscription(Parts& parts, Context& context) {
  TRY(check_subscription(parts, context));
  auto policy = TRY(parts.rbac->policy());
  if (!iequals(policy->group_of_subscription(parts.installation.subscription_id),
               context.param("group")))
    return http::Response(204);
  TRY(move_subscription(parts, context, policy->root_group(), ""));
  return http::Response(200);
}

}  // namespace lazuli::authorization
