// SPDX-License-Identifier: Apache-2.0
#include "engines/template/unroll.h"

#include "engines/template/functions.h"
#include "engines/template/ids.h"

namespace lazuli::templates {
namespace {

constexpr size_t kResourcesMax = 800;  // Azure's own limit
constexpr int kChildDepthMax = 5;

class Unroller {
 public:
  explicit Unroller(const Environment& environment) : environment_(environment) {}

  Result<Unrolled> run(const Json& resources) {
    if (resources.is_object()) {
      for (const Json::Member& each : resources.members())
        TRY(add(each.value, each.key, nullptr, {}, 0));
    } else {
      for (const Json& each : resources.items()) TRY(add(each, "", nullptr, {}, 0));
    }
    TRY(check_unique());
    return std::move(result_);
  }

 private:
  struct Parent {
    std::string type, name, id;
    bool skipped = false;
  };

  // One resource of the template, in all iterations of its loop, with its children.
  Result<void> add(const Json& resource, const std::string& symbol, const Parent* parent,
                   std::vector<Loop> loops, int depth) {
    if (!resource.is_object()) return template_error("A resource of the template is no object.");
    if (depth > kChildDepthMax) return template_error("Child resources are nested too deeply.");
    const size_t declaration = declarations_++;
    const Json* copy = resource.find("copy");
    if (copy == nullptr)
      return add_one({resource, symbol, symbol, parent, depth, declaration}, std::move(loops), 0,
                     0);
    Environment at = environment_;
    at.loops = loops;
    const int64_t count = TRY(copy_count(*copy, at));
    const size_t batch = TRY(batch_size(*copy, at));
    std::string name(TRY(evaluate_tree((*copy)["name"], at)).str());
    if (name.empty()) name = symbol;
    for (Loop& outer : loops) outer.named_only = true;
    loops.push_back({name, 0});
    for (int64_t i = 0; i < count; ++i) {
      loops.back().index = i;
      const std::string key = symbol.empty() ? "" : cat({symbol, "[", std::to_string(i), "]"});
      TRY(add_one({resource, key, symbol.empty() ? name : symbol, parent, depth, declaration},
                  loops, static_cast<size_t>(i), batch));
    }
    return {};
  }

  static Result<int64_t> copy_count(const Json& copy, const Environment& at) {
    Json count = TRY(evaluate_tree(copy["count"], at));
    if (!count.is_integer() || count.integer() < 0 ||
        count.integer() > static_cast<int64_t>(kResourcesMax))
      return template_error("The copy count of a resource must be a whole number from 0 to 800.");
    return count.integer();
  }

  static Result<size_t> batch_size(const Json& copy, const Environment& at) {
    if (!iequals(copy["mode"].str(), "serial")) return size_t{0};
    Json size = copy.contains("batchSize") ? TRY(evaluate_tree(copy["batchSize"], at)) : Json(1);
    if (!size.is_integer() || size.integer() < 1)
      return template_error("The batchSize of a loop must be a whole number from 1 on.");
    return static_cast<size_t>(size.integer());
  }

  struct Source {
    const Json& resource;
    std::string key, symbol;
    const Parent* parent;
    int depth;
    size_t declaration;
  };

  Result<void> add_one(const Source& from, std::vector<Loop> loops, size_t iteration,
                       size_t batch) {
    Environment at = environment_;
    at.loops = loops;
    const Json& resource = from.resource;
    PlannedResource planned;
    planned.existing = resource["existing"].boolean();
    const bool wanted = TRY(condition_holds(resource, at));
    // What is not deployed needs no valid name; it is named where it can be, for dependsOn.
    if (auto named = name_it(planned, from, at); !named.ok() && wanted)
      return std::move(named).error();
    planned.symbol = from.symbol;
    planned.key = from.key.empty() ? to_lower(planned.id) : from.key;
    Parent self{planned.type, planned.name, planned.id,
                !wanted || (from.parent != nullptr && from.parent->skipped)};
    UnrolledResource unrolled{&resource, loops, from.declaration,
                              iteration, batch, from.parent == nullptr ? "" : from.parent->id};
    if (!wanted) {
      result_.skipped.push_back(std::move(planned));
    } else {
      result_.planned.push_back(std::move(planned));
      result_.sources.push_back(std::move(unrolled));
    }
    if (result_.planned.size() > kResourcesMax)
      return template_error("A template deploys at most 800 resources.");
    for (const Json& child : resource["resources"].items())
      TRY(add(child, "", &self, loops, from.depth + 1));
    return {};
  }

  static Result<bool> condition_holds(const Json& resource, const Environment& at) {
    const Json* condition = resource.find("condition");
    if (condition == nullptr) return true;
    Json value = TRY(evaluate_tree(*condition, at));
    if (value.is_bool()) return value.boolean();
    if (iequals(value.str(), "true") || iequals(value.str(), "false"))
      return iequals(value.str(), "true");
    return template_error("The condition of a resource is neither true nor false.");
  }

  Result<std::string> text_of(const Json& resource, std::string_view member,
                              const Environment& at) const {
    Json value = TRY(evaluate_tree(resource[member], at));
    if (value.is_string() && !value.str().empty()) return std::string(value.str());
    return template_error(cat({"A resource of the template has no valid '", member, "': '",
                               value.dump().substr(0, 100), "'."}));
  }

  // Type, name, version and id; those of a child stand behind its parent's.
  Result<void> name_it(PlannedResource& planned, const Source& from, const Environment& at) {
    const Json& resource = from.resource;
    planned.type = TRY(text_of(resource, "type", at));
    planned.name = TRY(text_of(resource, "name", at));
    planned.api_version = TRY(text_of(resource, "apiVersion", at));
    if (planned.name.size() > 2000) return template_error("A resource's name is too long.");
    std::string scope = TRY(scope_of_resource(resource, planned.type, at));
    if (from.parent != nullptr) {
      const Parent& parent = *from.parent;
      if (planned.type.find('/') == std::string::npos) {
        planned.type = cat({parent.type, "/", planned.type});
        planned.name = cat({parent.name, "/", planned.name});
        scope = type_and_name(parent.id).scope;
      } else if (istarts_with(planned.type, parent.type + "/")) {
        scope = type_and_name(parent.id).scope;
      } else {
        scope = parent.id;  // an extension of the parent
      }
    }
    planned.id = TRY(resource_id(scope, planned.type, planned.name));
    return {};
  }

  // Where a resource lies: where the deployment does, unless it says otherwise.
  Result<std::string> scope_of_resource(const Json& resource, std::string_view type,
                                        const Environment& at) const {
    const Facts& facts = *at.facts;
    if (iequals(type, "Microsoft.Resources/deployments")) {
      std::string subscription = facts.subscription_id;
      if (resource.contains("subscriptionId"))
        subscription = TRY(text_of(resource, "subscriptionId", at));
      if (resource.contains("resourceGroup"))
        return group_scope(subscription, TRY(text_of(resource, "resourceGroup", at)));
      if (resource.contains("subscriptionId")) return subscription_scope(subscription);
    }
    const bool group = iequals(type, "Microsoft.Resources/resourceGroups");
    if (group && resource.contains("subscriptionId"))
      return subscription_scope(TRY(text_of(resource, "subscriptionId", at)));
    const Json* scope = resource.find("scope");
    if (scope == nullptr || scope->is_null())
      return group ? subscription_scope(facts.subscription_id) : templates::scope_of(facts);
    std::string text = to_text(TRY(evaluate_tree(*scope, at)));
    if (text == "/" || text.empty()) return std::string();
    if (text.ends_with('/')) text.pop_back();
    if (text.front() == '/') return text;
    // Relative to the deployment: "Microsoft.Storage/storageAccounts/x".
    return cat({templates::scope_of(facts), "/providers/", text});
  }

  Result<void> check_unique() const {
    std::map<std::string, int> seen;
    for (const PlannedResource& each : result_.planned)
      if (!each.existing && ++seen[to_lower(each.id)] > 1)
        return template_error(cat({"Deployment template validation failed: 'The resource '",
                                   each.id, "' is defined multiple times in a template.'."}));
    return {};
  }

  const Environment& environment_;
  Unrolled result_;
  size_t declarations_ = 0;
};

}  // namespace

Result<Unrolled> unroll(const Json& source, const Environment& environment) {
  return Unroller(environment).run(source["resources"]);
}

}  // namespace lazuli::templates
