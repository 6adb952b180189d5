// SPDX-License-Identifier: Apache-2.0
#include "services/resources/what_if.h"

#include <set>

#include "base/strings.h"
#include "core/dispatch.h"
#include "services/resources/deployment_runtime.h"
#include "services/resources/resource_list.h"

namespace lazuli::resources {
namespace {

constexpr int kDepthMax = 5;  // of templates in templates

Json property_change(std::string_view path, std::string_view kind, const Json& before,
                     const Json& after) {
  return Json::object({{"path", path},
                       {"propertyChangeType", kind},
                       {"before", before},
                       {"after", after},
                       {"children", Json()}});
}

// Regions are equal whatever the case and the spaces.
bool same(std::string_view path, const Json& before, const Json& after) {
  if (before == after) return true;
  if (before.is_number() && after.is_number()) return before.number() == after.number();
  if (path != "location" || !before.is_string() || !after.is_string()) return false;
  return iequals(replace_all(before.str(), " ", ""), replace_all(after.str(), " ", ""));
}

void compare(const std::string& path, const Json& before, const Json& after, Json& changes) {
  // What only the deployment will know stays unknown.
  if (after.is_string() && templates::is_expression(after.str())) return;
  if (same(path, before, after)) return;
  if (before.is_object() && after.is_object()) {
    for (const Json::Member& each : after.members()) {
      const std::string inner = path.empty() ? each.key : cat({path, ".", each.key});
      const Json* found = before.find(each.key);
      if (found == nullptr && each.value.is_null()) continue;
      if (found == nullptr)
        changes.push_back(property_change(inner, "Create", Json(), each.value));
      else
        compare(inner, *found, each.value, changes);
    }
    if (path != "tags") return;
    for (const Json::Member& each : before.members())
      if (!after.contains(each.key))
        changes.push_back(
            property_change(cat({path, ".", each.key}), "Delete", each.value, Json()));
    return;
  }
  const bool arrays = before.is_array() && after.is_array();
  changes.push_back(property_change(path, arrays ? "Array" : "Modify", before, after));
}

Json change(std::string_view id, std::string_view kind) {
  return Json::object({{"resourceId", id}, {"changeType", kind}});
}

struct Look {
  const Parts& parts;
  const core::Principal& caller;
  bool ids_only;
  std::set<std::string> named = {};  // what templates name, in lower case
  Json changes = Json::array();
};

Result<Json> look_at(const Look& look, const Order& order, size_t index) {
  const templates::PlannedResource& resource = order.program->resources()[index];
  http::Response answer = look.parts.dispatcher->send(
      look.caller, {.target = target_of(resource.id, resource.api_version)});
  if (answer.status >= 300 && answer.status != 404) return error_of(answer);
  Json after = Json::object({{"id", resource.id},
                             {"type", resource.type},
                             {"name", resource.name},
                             {"apiVersion", resource.api_version}});
  const Json body = TRY(order.program->shown_body(index));
  for (const Json::Member& each : body.members()) after.set(each.key, each.value);
  if (answer.status == 404) {
    Json entry = change(resource.id, "Create");
    if (!look.ids_only) entry.set("after", std::move(after));
    return entry;
  }
  if (look.ids_only) return change(resource.id, "Deploy");
  const Json before = TRY(json_of(answer));
  Json delta = differences(before, body);
  Json entry = change(resource.id, delta.empty() ? "NoChange" : "Modify");
  entry.set("before", before);
  entry.set("after", std::move(after));
  entry.set("delta", std::move(delta));
  return entry;
}

Result<void> look_through(Look& look, const Order& order, int depth);

// What an inner template makes is told like the outer one's; what it is made of may be known only
// when the outer one has run.
Result<void> look_inside(Look& look, const Order& order, size_t index, int depth) {
  const templates::PlannedResource& resource = order.program->resources()[index];
  auto inner = depth < kDepthMax
                   ? read_inner_order(look.parts, look.caller, order, index)
                   : Result<Order>(invalid_argument("Templates are nested too deeply."));
  if (inner.ok()) return look_through(look, *inner, depth + 1);
  if (inner.error().code == Code::kInternal || inner.error().code == Code::kUnavailable)
    return std::move(inner).error();
  Json entry = change(resource.id, "Unsupported");
  entry.set("unsupportedReason", inner.error().message);
  look.changes.push_back(std::move(entry));
  return {};
}

Result<void> look_through(Look& look, const Order& order, int depth) {
  const auto& resources = order.program->resources();
  for (size_t i = 0; i < resources.size(); ++i) {
    look.named.insert(to_lower(resources[i].id));
    if (resources[i].existing) continue;
    if (iequals(resources[i].type, "Microsoft.Resources/deployments"))
      TRY(look_inside(look, order, i, depth));
    else
      look.changes.push_back(TRY(look_at(look, order, i)));
  }
  return {};
}

// What no template names: deleted in Complete mode, else let be.
Result<void> look_at_others(Look& look, const Order& order) {
  const bool complete = order.mode == "Complete";
  for (const Json& each : TRY(list_resources(look.parts, look.caller, order.scope.id()))) {
    if (look.named.contains(to_lower(each["id"].str()))) continue;
    Json entry = change(each["id"].str(), complete ? "Delete" : "Ignore");
    if (!look.ids_only) {
      entry.set("before", each);
      if (!complete) entry.set("after", each);
    }
    look.changes.push_back(std::move(entry));
  }
  return {};
}

}  // namespace

Json differences(const Json& before, const Json& after) {
  Json changes = Json::array();
  compare("", before, after, changes);
  return changes;
}

Result<Json> what_if(const Parts& parts, const core::Principal& caller, const Order& order,
                     bool ids_only) {
  Look look{parts, caller, ids_only};
  TRY(look_through(look, order, 0));
  if (order.scope.kind == templates::ScopeKind::kResourceGroup) TRY(look_at_others(look, order));
  return Json::object({{"status", "Succeeded"},
                       {"properties", Json::object({{"changes", std::move(look.changes)}})}});
}

}  // namespace lazuli::resources
