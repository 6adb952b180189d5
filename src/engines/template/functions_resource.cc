// SPDX-License-Identifier: Apache-2.0
// Ids, and what only the running deployment knows.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource
#include "base/ids.h"
#include "engines/template/functions.h"
#include "engines/template/ids.h"

namespace lazuli::templates {
namespace {

Error deferred(const Call& call) {
  return invalid_argument(cat({"The template function '", call.name,
                               "' is not expected at this location: it needs resources that are "
                               "deployed."}),
                          std::string(kDeferred));
}

// The arguments from `first` on: names, one for each part of the type behind the provider.
Result<std::string> names_from(const Call& call, size_t first) {
  std::vector<std::string> names;
  for (size_t i = first; i < call.count(); ++i) names.push_back(TRY(call.text(i)));
  return join(names, "/");
}

// Which argument is the type: the first with a slash that is no id.
size_t type_index(const Call& call, size_t last) {
  for (size_t i = 0; i <= last && i < call.count(); ++i) {
    std::string_view text = call[i].str();
    if (text.find('/') != text.npos && text.front() != '/') return i;
  }
  return call.count();
}

// The id made of the type at `index` and the names behind it.
Result<Json> id_from(const Call& call, std::string_view scope, size_t index) {
  const std::string type = TRY(call.text(index));
  const std::string name = TRY(names_from(call, index + 1));
  return Json(TRY(resource_id(scope, type, name)));
}

// resourceId([subscription], [group], type, name…): of a resource group, or what the scope is.
Result<Json> call_resource_id(const Call& call) {
  const Facts& facts = *call.environment.facts;
  const size_t type = type_index(call, 2);
  if (type >= call.count()) return call.fault("no argument is a resource type.");
  std::string scope = scope_of(facts);
  if (type == 1 && facts.scope == ScopeKind::kResourceGroup)
    scope = group_scope(facts.subscription_id, TRY(call.text(0)));
  else if (type == 1)
    scope = subscription_scope(TRY(call.text(0)));
  else if (type == 2)
    scope = group_scope(TRY(call.text(0)), TRY(call.text(1)));
  return id_from(call, scope, type);
}

Result<Json> call_subscription_resource_id(const Call& call) {
  const size_t type = type_index(call, 1);
  if (type >= call.count()) return call.fault("no argument is a resource type.");
  const std::string subscription =
      type == 1 ? TRY(call.text(0)) : call.environment.facts->subscription_id;
  return id_from(call, subscription_scope(subscription), type);
}

Result<Json> call_tenant_resource_id(const Call& call) { return id_from(call, "", 0); }

Result<Json> call_management_group_resource_id(const Call& call) {
  const size_t type = type_index(call, 1);
  if (type >= call.count()) return call.fault("no argument is a resource type.");
  const std::string group =
      type == 1 ? TRY(call.text(0)) : call.environment.facts->management_group;
  return id_from(call, management_group_scope(group), type);
}

Result<Json> call_extension_resource_id(const Call& call) {
  return id_from(call, TRY(call.text(0)), 1);
}

Result<Json> call_reference(const Call& call) {
  const std::string name = TRY(call.text(0));
  const std::string version = call.has(1) ? TRY(call.text(1)) : "";
  if (call.environment.runtime == nullptr) return deferred(call);
  const bool full = call.has(2) && iequals(call[2].str(), "Full");
  return call.environment.runtime->reference(name, version, full);
}

Result<Json> call_references(const Call& call) {
  const std::string symbol = TRY(call.text(0));
  if (call.environment.runtime == nullptr) return deferred(call);
  return call.environment.runtime->references(symbol,
                                              call.has(1) && iequals(call[1].str(), "Full"));
}

Result<Json> call_list(const Call& call) {
  const std::string id = TRY(call.text(0)), version = TRY(call.text(1));
  if (call.environment.runtime == nullptr) return deferred(call);
  const Json body = call.has(2) ? TRY(call.object(2)) : Json();
  return call.environment.runtime->list(std::string(call.name), id, version, body);
}

Result<Json> call_parameters(const Call& call) {
  const std::string name = TRY(call.text(0));
  if (call.environment.parameter_of) return call.environment.parameter_of(name);
  if (call.environment.hidden != nullptr && call.environment.hidden->contains(name))
    return deferred(call);
  if (call.environment.parameters != nullptr)
    if (auto found = call.environment.parameters->find(name);
        found != call.environment.parameters->end())
      return found->second;
  return template_error(cat({"The template parameter '", name, "' is not found."}));
}

Result<Json> call_variables(const Call& call) {
  const std::string name = TRY(call.text(0));
  if (call.environment.variables == nullptr)
    return template_error("The template function 'variables' is not expected at this location.");
  return call.environment.variables->get(name);
}

// copyIndex(), copyIndex(offset), copyIndex('loop'), copyIndex('loop', offset).
Result<Json> call_copy_index(const Call& call) {
  const bool named = call.count() > 0 && call[0].is_string();
  const std::string name = named ? TRY(call.text(0)) : "";
  const size_t offset_at = named ? 1 : 0;
  const int64_t offset = call.count() > offset_at ? TRY(call.integer(offset_at)) : 0;
  const std::vector<Loop>& loops = call.environment.loops;
  for (auto loop = loops.rbegin(); loop != loops.rend(); ++loop)
    if (named ? iequals(loop->name, name) : !loop->named_only) return Json(loop->index + offset);
  return invalid_argument(
      cat({"The template function 'copyIndex' is not expected at this location: there is no loop ",
           name.empty() ? "" : "named '", name, name.empty() ? "here." : "' here."}),
      std::string(kDeferred));
}

constexpr Function kFunctions[] = {
    {"resourceId", 2, kAny, call_resource_id},
    {"subscriptionResourceId", 2, kAny, call_subscription_resource_id},
    {"tenantResourceId", 2, kAny, call_tenant_resource_id},
    {"managementGroupResourceId", 2, kAny, call_management_group_resource_id},
    {"extensionResourceId", 3, kAny, call_extension_resource_id},
    {"reference", 1, 3, call_reference},
    {"references", 1, 2, call_references},
    {"list*", 2, 3, call_list},
    {"parameters", 1, 1, call_parameters},
    {"variables", 1, 1, call_variables},
    {"copyIndex", 0, 2, call_copy_index},
};

}  // namespace

std::span<const Function> resource_functions() { return kFunctions; }

}  // namespace lazuli::templates
