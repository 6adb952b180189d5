// SPDX-License-Identifier: Apache-2.0
#include "engines/template/program.h"

#include <set>

#include "engines/template/dependencies.h"
#include "engines/template/functions.h"
#include "engines/template/ids.h"
#include "engines/template/parameters.h"
#include "engines/template/unroll.h"

namespace lazuli::templates {
namespace {

constexpr size_t kVariablesMax = 256, kOutputsMax = 64;  // Azure's own limits

// Members of a resource in a template that are no part of the resource.
constexpr std::string_view kTemplateMembers[] = {
    "type",     "name",      "apiVersion", "dependsOn", "condition",      "copy",
    "comments", "resources", "existing",   "scope",     "subscriptionId", "metadata",
    "asserts",  "import",    "extension",  "$options",  "resourceGroup"};

bool is_template_member(std::string_view key) {
  for (std::string_view each : kTemplateMembers)
    if (iequals(each, key)) return true;
  return false;
}

class ProgramImpl final : public Program {
 public:
  ProgramImpl(Json source, NameMap<Json> parameters, Facts facts)
      : source_(std::move(source)), parameters_(std::move(parameters)), facts_(std::move(facts)) {}

  Result<void> compile() {
    functions_ = TRY(user_functions(source_));
    for (const Json::Member& each : source_["parameters"].members())
      if (is_secure(each.value, source_["definitions"])) secure_.insert(each.key);
    int64_t budget = kBudget;
    Environment environment = surroundings(nullptr, budget);
    Variables variables(source_["variables"], environment);
    environment.variables = &variables;
    unrolled_ = TRY(unroll(source_, environment));
    return resolve_dependencies(unrolled_, source_, environment);
  }

  const std::vector<PlannedResource>& resources() const override { return unrolled_.planned; }

  Result<Json> body(size_t index, Runtime* runtime) const override {
    return body(index, runtime, nullptr);
  }
  Result<Json> shown_body(size_t index) const override { return body(index, nullptr, &secure_); }

  Result<Json> outputs(Runtime& runtime) const override {
    int64_t budget = kBudget;
    Environment environment = surroundings(&runtime, budget);
    Variables variables(source_["variables"], environment);
    environment.variables = &variables;
    Json results = Json::object();
    for (const Json::Member& each : source_["outputs"].members()) {
      const Json& declared = each.value;
      if (const Json* condition = declared.find("condition");
          condition != nullptr && !TRY(evaluate_tree(*condition, environment)).boolean())
        continue;
      Json result = Json::object({{"type", type_label(declared)}});
      if (!is_secure(declared, source_["definitions"])) {
        Result<Json> value = output_value(declared, environment);
        if (!value.ok())
          return template_error(
              cat({"The template output '", each.key, "' is not valid: ", value.error().message}));
        TRY(check_value(*value, declared, source_["definitions"],
                        cat({"template output '", each.key, "'"})));
        result.set("value", std::move(*value));
      }
      results.set(each.key, std::move(result));
    }
    return results;
  }

 private:
  using Names = std::set<std::string, LessNoCase>;

  Result<Json> body(size_t index, Runtime* runtime, const Names* hidden) const {
    const UnrolledResource& resource = unrolled_.sources[index];
    int64_t budget = kBudget;
    Environment environment = surroundings(runtime, budget);
    environment.hidden = hidden;
    Variables variables(source_["variables"], environment);
    environment.variables = &variables;
    Environment own = environment;
    own.loops = resource.loops;
    const bool deployment =
        iequals(unrolled_.planned[index].type, "Microsoft.Resources/deployments");
    Json body = Json::object();
    for (const Json::Member& each : resource.source->members()) {
      if (is_template_member(each.key)) continue;
      Result<Json> value = deployment && iequals(each.key, "properties")
                               ? deployment_properties(each.value, own)
                               : evaluate_tree(each.value, own);
      if (!value.ok() && is_deferred(value.error())) value = fold_tree(each.value, own);
      if (!value.ok())
        return template_error(cat({"Unable to process template language expressions for resource '",
                                   unrolled_.planned[index].id, "': ", value.error().message}));
      body.set(each.key, std::move(*value));
    }
    return body;
  }

  Environment surroundings(Runtime* runtime, int64_t& budget) const {
    Environment environment;
    environment.facts = &facts_;
    environment.parameters = &parameters_;
    environment.functions = &functions_;
    environment.runtime = runtime;
    environment.budget = &budget;
    return environment;
  }

  // "String", as deployments show types.
  static std::string type_label(const Json& declared) {
    std::string label(declared["type"].str());
    if (label.empty()) return "Object";
    if (iequals(label, "securestring")) return "SecureString";
    if (label.front() >= 'a' && label.front() <= 'z')
      label.front() = static_cast<char>(label.front() - 'a' + 'A');
    return label;
  }

  static Result<Json> output_value(const Json& declared, const Environment& environment) {
    if (const Json* copy = declared.find("copy")) return evaluate_copy(*copy, "", environment);
    return evaluate_tree(declared["value"], environment);
  }

  // An inner deployment. Its template is evaluated by itself (scope "inner"), or has the values of
  // this one put in (the default, "outer").
  Result<Json> deployment_properties(const Json& properties, const Environment& own) const {
    const std::string scope = to_lower(properties["expressionEvaluationOptions"]["scope"].str());
    const bool inner = scope == "inner";
    Json result = Json::object();
    for (const Json::Member& each : properties.members()) {
      if (each.key != "template") {
        result.set(each.key, own.runtime == nullptr ? TRY(fold_tree(each.value, own))
                                                    : TRY(evaluate_tree(each.value, own)));
        continue;
      }
      if (inner) {
        result.set(each.key, each.value);
        continue;
      }
      Json bare = each.value;  // parameters() and variables() are the outer template's
      bare.erase("parameters");
      bare.erase("variables");
      // What refers to resources is the inner deployment's business.
      Environment known = surroundings(nullptr, *own.budget);
      known.hidden = &secure_;
      Variables variables(source_["variables"], known);
      known.variables = &variables;
      known.loops = own.loops;
      result.set(each.key, TRY(fold_tree(bare, known)));
    }
    if (!inner) {
      result.erase("parameters");
      if (result["template"].is_object()) hand_secrets_on(own, result);
    }
    return result;
  }

  // What of the inner template asks for secure parameters of this one finds them as its own.
  void hand_secrets_on(const Environment& own, Json& properties) const {
    if (to_lower(properties["template"].dump()).find("parameters(") == std::string::npos) return;
    Json declared = Json::object(), given = Json::object();
    for (const std::string& name : secure_) {
      auto value = parameters_.find(name);
      if (value == parameters_.end()) continue;
      const bool text = value->second.is_string();
      declared.set(name, Json::object({{"type", text ? "securestring" : "secureObject"}}));
      if (value->second.is_null()) declared[name].set("nullable", true);
      Json shown = own.hidden != nullptr    ? Json(cat({"[parameters('", name, "')]"}))
                   : own.runtime != nullptr ? value->second
                                            : to_template(value->second);
      given.set(name, Json::object({{"value", std::move(shown)}}));
    }
    if (declared.empty()) return;
    properties["template"].set("parameters", std::move(declared));
    properties.set("parameters", std::move(given));
  }

  const Json source_;
  const NameMap<Json> parameters_;
  const Facts facts_;
  NameMap<UserFunction> functions_;
  Names secure_;
  Unrolled unrolled_;
};

}  // namespace

Result<NameMap<UserFunction>> user_functions(const Json& source) {
  NameMap<UserFunction> functions;
  for (const Json& space : source["functions"].items()) {
    for (const Json::Member& each : space["members"].members()) {
      UserFunction function;
      for (const Json& parameter : each.value["parameters"].items())
        function.parameters.emplace_back(parameter["name"].str());
      function.value = each.value["output"]["value"];
      functions[cat({space["namespace"].str(), ".", each.key})] = std::move(function);
    }
  }
  return functions;
}

Result<void> check_template(const Json& source) {
  if (!source.is_object()) return template_error("The template must be a JSON object.");
  if (!source["$schema"].is_string() && !source.contains("languageVersion"))
    return template_error("The template has no '$schema'.");
  const Json& resources = source["resources"];
  const bool symbolic = source["languageVersion"].str() == "2.0";
  if (symbolic ? !resources.is_object() && !resources.is_null() : !resources.is_array())
    return template_error(symbolic ? "The template's 'resources' must be an object of symbolic "
                                     "names, as languageVersion 2.0 says."
                                   : "The template's 'resources' must be an array.");
  for (std::string_view part : {"parameters", "variables", "outputs", "definitions"})
    if (const Json* found = source.find(part); found != nullptr && !found->is_object())
      return template_error(cat({"The template's '", part, "' must be an object."}));
  if (source["variables"].size() > kVariablesMax)
    return template_error("A template has at most 256 variables.");
  if (source["outputs"].size() > kOutputsMax)
    return template_error("A template has at most 64 outputs.");
  return {};
}

Result<std::unique_ptr<Program>> Program::create(Json source, NameMap<Json> parameters,
                                                 Facts facts) {
  TRY(check_template(source));
  auto program =
      std::make_unique<ProgramImpl>(std::move(source), std::move(parameters), std::move(facts));
  TRY(program->compile());
  return std::unique_ptr<Program>(std::move(program));
}

}  // namespace lazuli::templates
