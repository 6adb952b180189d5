// SPDX-License-Identifier: Apache-2.0
#include "services/resources/what_if.h"

#include <set>

#include "base/strings.h"
#include "core/dispatch.h"
#include "services/resources/deployment_runtime.h"
#include "services/resources/resource_list.h"

namespace lazuli::resources {
namespace {

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
};

Result<Json> look_at(const Look& look, const Order& order, size_t index) {
  const templates::PlannedResource& resource = order.program->resources()[index];
  if (iequals(resource.type, "Microsoft.Resources/deployments")) {
    Json entry = change(resource.id, "Unsupported");
    entry.set("unsupportedReason", "Inner templates are evaluated when they are deployed.");
    return entry;
  }
  http::Response answer = look.parts.dispatcher->send(
      look.caller, {.target = target_of(resource.id, resource.api_version)});
  if (answer.status >= 300 && answer.status != 404) return error_of(answer);
  Json after = Json::object({{"id", resource.id},
                             {"type", resource.type},
                             {"name", resource.name},
                             {"apiVersion", resource.api_version}});
  const Json body = TRY(order.program->body(index, nullptr));
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

// What the template does not name: deleted in Complete mode, else let be.
Result<void> look_at_others(const Look& look, const Order& order, Json& changes) {
  std::set<std::string> named;
  for (const templates::PlannedResource& each : order.program->resources())
    named.insert(to_lower(each.id));
  const bool complete = order.mode == "Complete";
  for (const Json& each : TRY(list_resources(look.parts, look.caller, order.scope.id()))) {
    if (named.contains(to_lower(each["id"].str()))) continue;
    Json entry = change(each["id"].str(), complete ? "Delete" : "Ignore");
    if (!look.ids_only) {
      entry.set("before", each);
      if (!complete) entry.set("after", each);
    }
    changes.push_back(std::move(entry));
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
  const Look look{parts, caller, ids_only};
  Json changes = Json::array();
  for (size_t i = 0; i < order.program->resources().size(); ++i)
    if (!order.program->resources()[i].existing) changes.push_back(TRY(look_at(look, order, i)));
  if (order.scope.kind == templates::ScopeKind::kResourceGroup)
    TRY(look_at_others(look, order, changes));
  return Json::object(
      {{"status", "Succeeded"}, {"properties", Json::object({{"changes", std::move(changes)}})}});
}

}  // namespace lazuli::resources
