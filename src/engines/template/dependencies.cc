// SPDX-License-Identifier: Apache-2.0
#include "engines/template/dependencies.h"

#include <algorithm>

#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

// "Microsoft.X/y/name": an id without what stands before its last provider.
std::string_view relative_id(std::string_view id) {
  const size_t at = id.rfind("/providers/");
  return at == id.npos ? id : id.substr(at + std::string_view("/providers/").size());
}

bool answers_to(const PlannedResource& resource, std::string_view name) {
  return iequals(resource.id, name) || iequals(resource.name, name) ||
         (!resource.key.empty() && resource.key == name) ||
         (!resource.symbol.empty() && iequals(resource.symbol, name)) ||
         iequals(relative_id(resource.id), name);
}

// Finds the calls of reference() and its kin in a piece of a template.
class ReferenceScan {
 public:
  ReferenceScan(const Environment& environment, std::vector<std::string>& names)
      : environment_(environment), names_(names) {}

  void scan(const Json& tree) {
    if (tree.is_string() && is_expression(tree.str())) {
      if (auto expression = parse_expression(tree.str()); expression.ok()) scan(*expression);
    }
    for (const Json& item : tree.items()) scan(item);
    for (const Json::Member& each : tree.members()) {
      if (each.key == "dependsOn" || is_inner_template(tree, each.key)) continue;
      scan(each.value);
    }
  }

 private:
  static bool is_inner_template(const Json& tree, std::string_view key) {
    return key == "template" &&
           iequals(tree["expressionEvaluationOptions"]["scope"].str(), "inner");
  }

  void scan(const Expression& expression) {
    const bool call = expression.kind == Expression::Kind::kCall && !expression.children.empty();
    const bool refers =
        call && (iequals(expression.name, "reference") || iequals(expression.name, "references") ||
                 istarts_with(expression.name, "list"));
    if (refers) {
      if (auto name = evaluate(expression.children[0], environment_);
          name.ok() && name->is_string())
        names_.emplace_back(name->str());
    }
    if (call && iequals(expression.name, "variables") && environment_.variables != nullptr) {
      auto name = evaluate(expression.children[0], environment_);
      if (name.ok() && seen_.insert(std::string(name->str())).second)
        if (const Json* source = environment_.variables->source(name->str())) scan(*source);
    }
    for (const Expression& child : expression.children) scan(child);
  }

  const Environment& environment_;
  std::vector<std::string>& names_;
  std::set<std::string, LessNoCase> seen_;
};

class Resolver {
 public:
  Resolver(Unrolled& unrolled, const Environment& environment)
      : unrolled_(unrolled), environment_(environment) {}

  Result<void> run() {
    for (size_t i = 0; i < unrolled_.planned.size(); ++i) {
      TRY(add_named(i));
      add_implied(i);
      add_batch(i);
      std::vector<size_t>& after = unrolled_.planned[i].after;
      std::sort(after.begin(), after.end());
      after.erase(std::unique(after.begin(), after.end()), after.end());
    }
    return check_order();
  }

 private:
  Result<void> add_named(size_t index) {
    Environment at = environment_;
    at.loops = unrolled_.sources[index].loops;
    const Json& listed = (*unrolled_.sources[index].source)["dependsOn"];
    Json names = TRY(evaluate_tree(listed.is_null() ? Json::array() : listed, at));
    if (!names.is_array()) return template_error("The dependsOn of a resource is no array.");
    for (const Json& name : names.items()) {
      if (!name.is_string())
        return template_error("The dependsOn of a resource lists a non-string.");
      if (!add(index, name.str(), true))
        return template_error(cat(
            {"Deployment template validation failed: 'The resource '", name.str().substr(0, 500),
             "' is not defined in the template. Please see https://aka.ms/arm-syntax for usage "
             "details.'."}));
    }
    return {};
  }

  void add_implied(size_t index) {
    Environment at = environment_;
    const UnrolledResource& resource = unrolled_.sources[index];
    at.loops = resource.loops;
    std::vector<std::string> names;
    Json own = *resource.source;
    own.erase("resources");
    ReferenceScan(at, names).scan(own);
    for (const std::string& name : names) add(index, name, false);
    if (!resource.parent_id.empty()) add(index, resource.parent_id, false);
  }

  // Each batch of a serial loop waits for the one before.
  void add_batch(size_t index) {
    const UnrolledResource& own = unrolled_.sources[index];
    if (own.batch == 0 || own.iteration < own.batch) return;
    const size_t batch = own.iteration / own.batch;
    for (size_t i = 0; i < unrolled_.sources.size(); ++i) {
      const UnrolledResource& other = unrolled_.sources[i];
      if (other.declaration == own.declaration && other.iteration / own.batch == batch - 1)
        unrolled_.planned[index].after.push_back(i);
    }
  }

  bool add(size_t index, std::string_view name, bool itself_is_error) {
    bool found = false;
    for (size_t i = 0; i < unrolled_.planned.size(); ++i) {
      if (!answers_to(unrolled_.planned[i], name)) continue;
      found = true;
      if (i != index || itself_is_error) unrolled_.planned[index].after.push_back(i);
    }
    for (const PlannedResource& each : unrolled_.skipped) found = found || answers_to(each, name);
    return found || is_empty_loop(name);
  }

  // A loop of no iterations has a name all the same.
  bool is_empty_loop(std::string_view name) const { return loops_.contains(name); }

 public:
  void know_loops(const Json& resources) {
    for (const Json& each : resources.items()) loops_.emplace(each["copy"]["name"].str());
    for (const Json::Member& each : resources.members()) loops_.emplace(each.key);
    loops_.erase("");
  }

 private:
  Result<void> check_order() const {
    const std::vector<PlannedResource>& all = unrolled_.planned;
    std::vector<bool> done(all.size());
    for (size_t left = all.size(); left > 0;) {
      size_t before = left;
      for (size_t i = 0; i < all.size(); ++i) {
        if (done[i]) continue;
        bool ready = true;
        for (size_t each : all[i].after) ready = ready && done[each];
        if (!ready) continue;
        done[i] = true;
        --left;
      }
      if (left != before) continue;
      for (size_t i = 0; i < all.size(); ++i)
        if (!done[i])
          return template_error(
              cat({"Deployment template validation failed: 'Circular dependency detected on "
                   "resource: '",
                   all[i].id,
                   "'. Please see https://aka.ms/arm-syntax-resources for usage details.'."}));
    }
    return {};
  }

  Unrolled& unrolled_;
  const Environment& environment_;
  std::set<std::string, LessNoCase> loops_;
};

}  // namespace

Result<void> resolve_dependencies(Unrolled& unrolled, const Json& source,
                                  const Environment& environment) {
  Resolver resolver(unrolled, environment);
  resolver.know_loops(source["resources"]);
  return resolver.run();
}

}  // namespace lazuli::templates
