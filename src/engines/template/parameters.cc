// SPDX-License-Identifier: Apache-2.0
#include "engines/template/parameters.h"

#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

constexpr int kDepthMax = 32;
constexpr size_t kParametersMax = 256;  // Azure's own limit

// Follows "#/definitions/name". What stands beside the "$ref" wins over what it leads to.
Json resolve(Json declaration, const Json& definitions) {
  constexpr std::string_view kPrefix = "#/definitions/";
  for (int step = 0; step < kDepthMax; ++step) {
    std::string_view target = declaration["$ref"].str();
    if (!target.starts_with(kPrefix)) return declaration;
    const Json* found = member_of(definitions, target.substr(kPrefix.size()));
    if (found == nullptr) return declaration;
    Json merged = *found;
    declaration.erase("$ref");
    for (const Json::Member& each : declaration.members()) merged.set(each.key, each.value);
    declaration = std::move(merged);
  }
  return declaration;
}

bool has_type(const Json& value, std::string_view type) {
  if (iequals(type, "string") || iequals(type, "securestring")) return value.is_string();
  if (iequals(type, "int")) return value.is_integer();
  if (iequals(type, "bool")) return value.is_bool();
  if (iequals(type, "array")) return value.is_array();
  if (iequals(type, "object") || iequals(type, "secureObject")) return value.is_object();
  return type.empty() || iequals(type, "any");
}

bool is_known_type(std::string_view type) {
  for (std::string_view known :
       {"string", "securestring", "int", "bool", "array", "object", "secureObject"})
    if (iequals(type, known)) return true;
  return type.empty();
}

class Checker {
 public:
  explicit Checker(const Json& definitions) : definitions_(definitions) {}

  Result<void> check(const Json& value, const Json& unresolved, const std::string& what,
                     int depth) const {
    const Json declaration = resolve(unresolved, definitions_);
    const std::string_view type = declaration["type"].str();
    if (depth > kDepthMax) return fault(what, "is nested too deeply");
    if (value.is_null() && declaration["nullable"].boolean()) return {};
    if (!is_known_type(type)) return fault(what, cat({"is declared with the type '", type, "'"}));
    if (!has_type(value, type))
      return fault(what,
                   cat({"should be of type '", type, "' but is of type '", type_name(value), "'"}));
    TRY(check_limits(value, declaration, what));
    if (value.is_object()) TRY(check_members(value, declaration, what, depth));
    if (value.is_array()) TRY(check_items(value, declaration, what, depth));
    return {};
  }

 private:
  static Error fault(const std::string& what, std::string_view why) {
    return template_error(
        cat({"Deployment template validation failed: the ", what, " ", why, "."}));
  }

  static Result<void> check_limits(const Json& value, const Json& declaration,
                                   const std::string& what) {
    if (const Json* allowed = declaration.find("allowedValues"); allowed != nullptr) {
      bool found = false;
      for (const Json& each : allowed->items()) found = found || same_value(each, value);
      bool all = value.is_array() && !found;  // of an array, each item may be an allowed one
      for (const Json& item : value.items()) {
        bool one = false;
        for (const Json& each : allowed->items()) one = one || same_value(each, item);
        all = all && one;
      }
      if (!found && !all)
        return fault(what, cat({"is not part of the allowed value(s): '",
                                allowed->dump().substr(0, 300), "'"}));
    }
    if (value.is_integer()) {
      if (const Json* least = declaration.find("minValue");
          least && value.integer() < least->integer())
        return fault(what, cat({"must be at least ", least->dump()}));
      if (const Json* most = declaration.find("maxValue");
          most && value.integer() > most->integer())
        return fault(what, cat({"must be at most ", most->dump()}));
    }
    if (!value.is_string() && !value.is_array()) return {};
    const auto length =
        static_cast<int64_t>(value.is_string() ? to_utf16(value.str()).size() : value.size());
    if (const Json* least = declaration.find("minLength"); least && length < least->integer())
      return fault(what, cat({"must have a length of at least ", least->dump()}));
    if (const Json* most = declaration.find("maxLength"); most && length > most->integer())
      return fault(what, cat({"must have a length of at most ", most->dump()}));
    return {};
  }

  // The declaration of the branch that a union's discriminator names.
  Result<Json> branch_of(const Json& value, const Json& declaration,
                         const std::string& what) const {
    const Json& discriminator = declaration["discriminator"];
    if (!discriminator.is_object()) return declaration;
    const std::string_view property = discriminator["propertyName"].str();
    const Json* chosen = member_of(value, property);
    const Json* branch = chosen == nullptr ? nullptr : discriminator["mapping"].find(chosen->str());
    if (branch == nullptr)
      return fault(what, cat({"has no known value of the property '", property, "'"}));
    return resolve(*branch, definitions_);
  }

  Result<void> check_members(const Json& value, const Json& unbranched, const std::string& what,
                             int depth) const {
    const Json declaration = TRY(branch_of(value, unbranched, what));
    const Json& properties = declaration["properties"];
    for (const Json::Member& each : properties.members()) {
      const Json* found = member_of(value, each.key);
      const std::string inner = cat({what, "'s property '", each.key, "'"});
      if (found != nullptr)
        TRY(check(*found, each.value, inner, depth + 1));
      else if (!resolve(each.value, definitions_)["nullable"].boolean())
        return fault(inner, "is missing");
    }
    const Json* more = declaration.find("additionalProperties");
    if (more == nullptr) return {};
    for (const Json::Member& each : value.members()) {
      if (member_of(properties, each.key) != nullptr) continue;
      const std::string inner = cat({what, "'s property '", each.key.substr(0, 100), "'"});
      if (more->is_object())
        TRY(check(each.value, *more, inner, depth + 1));
      else if (!more->boolean(true))
        return fault(inner, "is not allowed");
    }
    return {};
  }

  Result<void> check_items(const Json& value, const Json& declaration, const std::string& what,
                           int depth) const {
    const Json::Array& prefix = declaration["prefixItems"].items();
    const Json* rest = declaration.find("items");
    if (value.size() < prefix.size()) return fault(what, "has too few items");
    for (size_t i = 0; i < value.size(); ++i) {
      const std::string inner = cat({what, "'s item ", std::to_string(i)});
      if (i < prefix.size())
        TRY(check(value.items()[i], prefix[i], inner, depth + 1));
      else if (rest != nullptr && rest->is_object())
        TRY(check(value.items()[i], *rest, inner, depth + 1));
      else if (rest != nullptr && !rest->boolean(true))
        return fault(what, "has too many items");
    }
    return {};
  }

  const Json& definitions_;
};

// Evaluates defaults as they are asked for, by each other too.
class Binder {
 public:
  Binder(const Json& source, const Json& given, const Environment& environment)
      : declarations_(source["parameters"]),
        definitions_(source["definitions"]),
        given_(given),
        environment_(environment) {
    environment_.in_default = true;
    if (environment_.budget == nullptr) environment_.budget = &budget_;
    environment_.parameter_of = [this](std::string_view name) { return value_of(name); };
  }

  Result<NameMap<Json>> bind() {
    if (declarations_.size() > kParametersMax)
      return template_error("A template has at most 256 parameters.");
    std::vector<std::string> unknown;
    for (const Json::Member& each : given_.members())
      if (member_of(declarations_, each.key) == nullptr) unknown.push_back(each.key);
    if (!unknown.empty())
      return template_error(
          cat({"Deployment template validation failed: 'The template parameters '",
               join(unknown, ", ").substr(0, 300),
               "' in the parameters file are not valid; they are not present in the original "
               "template and can therefore not be provided at deployment time.'."}));
    for (const Json::Member& each : declarations_.members()) TRY(value_of(each.key));
    return std::move(known_);
  }

 private:
  Result<Json> value_of(std::string_view name) {
    if (auto found = known_.find(name); found != known_.end()) return found->second;
    const Json* declaration = member_of(declarations_, name);
    if (declaration == nullptr)
      return template_error(cat({"The template parameter '", name, "' is not found."}));
    if (!open_.insert(std::string(name)).second)
      return template_error(cat({"The template parameter '", name, "' refers to itself."}));
    Json value = TRY(raw_value(name, *declaration));
    open_.erase(open_.find(name));
    TRY(Checker(definitions_)
            .check(value, *declaration, cat({"template parameter '", name, "'"}), 0));
    known_[std::string(name)] = value;
    return value;
  }

  Result<Json> raw_value(std::string_view name, const Json& declaration) {
    const Json* given = member_of(given_, name);
    // A null says nothing: clients send it for what they leave to the default.
    if (given != nullptr && !(*given)["value"].is_null()) return (*given)["value"];
    if (given != nullptr && given->contains("reference"))
      return unimplemented(cat({"the parameter '", name,
                                "' takes its value from a key vault (Vaults_ParameterReference), "
                                "which is known but not implemented yet"}));
    if (const Json* fallback = member_of(declaration, "defaultValue"))
      return evaluate_tree(*fallback, environment_);
    if (resolve(declaration, definitions_)["nullable"].boolean()) return Json();
    return template_error(
        cat({"Deployment template validation failed: 'The value for the template "
             "parameter '",
             name, "' is not provided.'."}));
  }

  const Json& declarations_;
  const Json& definitions_;
  const Json& given_;
  Environment environment_;
  int64_t budget_ = kBudget;
  NameMap<Json> known_;
  std::set<std::string, LessNoCase> open_;
};

}  // namespace

bool is_secure(const Json& declaration, const Json& definitions) {
  const Json resolved = resolve(declaration, definitions);
  return istarts_with(resolved["type"].str(), "secure");
}

Result<void> check_value(const Json& value, const Json& declaration, const Json& definitions,
                         const std::string& what) {
  return Checker(definitions).check(value, declaration, what, 0);
}

Result<NameMap<Json>> bind_parameters(const Json& source, const Json& given,
                                      const Environment& environment) {
  return Binder(source, given, environment).bind();
}

}  // namespace lazuli::templates
