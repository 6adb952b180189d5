// SPDX-License-Identifier: Apache-2.0
#include "engines/template/evaluate.h"

#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

constexpr int kDepthMax = 64;
constexpr int64_t kLoopMax = 800;  // Azure's own limit

Result<Json> call_user_function(const UserFunction& function, const Expression& call,
                                const Environment& environment) {
  if (call.children.size() != function.parameters.size())
    return template_error(cat({"The template function '", call.name, "' takes ",
                               std::to_string(function.parameters.size()), " arguments."}));
  if (environment.depth > kDepthMax) return template_error("Functions call each other too deeply.");
  NameMap<Json> parameters;
  for (size_t i = 0; i < call.children.size(); ++i)
    parameters[function.parameters[i]] = TRY(evaluate(call.children[i], environment));
  // It sees its own parameters alone.
  Environment inner;
  inner.facts = environment.facts;
  inner.parameters = &parameters;
  inner.depth = environment.depth + 1;
  inner.budget = environment.budget;
  return evaluate_tree(function.value, inner);
}

Error wrong_count(std::string_view name, size_t given) {
  return template_error(cat(
      {"The template function '", name, "' does not take ", std::to_string(given), " arguments."}));
}

Result<Json> call_function(const Expression& call, const Environment& environment) {
  const size_t given = call.children.size();
  if (const SpecialForm* form = find_form(call.name)) {
    if (given < form->arguments_min || given > form->arguments_max)
      return wrong_count(call.name, given);
    return form->call(call, environment);
  }
  const Function* function = find_function(call.name);
  if (function == nullptr) {
    if (environment.functions != nullptr) {
      if (auto own = environment.functions->find(call.name); own != environment.functions->end())
        return call_user_function(own->second, call, environment);
    }
    return template_error(cat({"The template function '", call.name, "' is not valid."}));
  }
  if (given < function->arguments_min || given > function->arguments_max)
    return wrong_count(call.name, given);
  std::vector<Json> arguments;
  for (const Expression& child : call.children)
    arguments.push_back(TRY(evaluate(child, environment)));
  Json value = TRY(function->call({call.name, arguments, environment}));
  TRY(charge(environment, value.is_string() ? value.str().size() / 256 : value.size()));
  return value;
}

Result<Json> member(const Json& base, std::string_view name) {
  if (const Json* found = member_of(base, name)) return *found;
  if (!base.is_object())
    return template_error(cat({"The language expression property '", name,
                               "' can't be evaluated: the value is of type '", type_name(base),
                               "', not an object."}));
  std::vector<std::string> names;
  for (const Json::Member& each : base.members()) names.push_back(each.key);
  return template_error(
      cat({"The language expression property '", name,
           "' doesn't exist, available properties are '", join(names, ", ").substr(0, 300), "'."}));
}

Result<Json> indexed(const Json& base, const Json& index) {
  if (index.is_string()) return member(base, index.str());
  if (!base.is_array() || !index.is_integer())
    return template_error(cat({"The language expression can't index a value of type '",
                               type_name(base), "' with one of type '", type_name(index), "'."}));
  const int64_t position = index.integer();
  if (position < 0 || position >= static_cast<int64_t>(base.size()))
    return template_error(cat({"The language expression property array index '",
                               std::to_string(position), "' is out of bounds."}));
  return base.items()[static_cast<size_t>(position)];
}

bool is_property_copy(const Json& value) {
  if (!value.is_array() || value.empty()) return false;
  for (const Json& each : value.items())
    if (!each.contains("name") || !each.contains("count") || !each.contains("input")) return false;
  return true;
}

Result<Json> evaluate_object(const Json& tree, const Environment& environment) {
  Json object = Json::object();
  for (const Json::Member& each : tree.members()) {
    if (each.key == "copy" && is_property_copy(each.value)) {
      for (const Json& copy : each.value.items()) {
        std::string name(TRY(evaluate_tree(copy["name"], environment)).str());
        object.set(name, TRY(evaluate_copy(copy, name, environment)));
      }
      continue;
    }
    std::string key = each.key;
    if (is_expression(key)) key = to_text(TRY(evaluate_text(key, environment)));
    object.set(key, TRY(evaluate_tree(each.value, environment)));
  }
  return object;
}

}  // namespace

bool is_deferred(const Error& error) { return error.wire_code == kDeferred; }

Result<void> charge(const Environment& environment, size_t amount) {
  if (environment.budget == nullptr) return {};
  *environment.budget -= static_cast<int64_t>(amount);
  if (*environment.budget >= 0) return {};
  return template_error("The template does too much: it makes more than a million values.");
}

Result<Json> evaluate(const Expression& expression, const Environment& environment) {
  TRY(charge(environment, 1));
  switch (expression.kind) {
    case Expression::Kind::kLiteral:
      return expression.literal;
    case Expression::Kind::kCall:
      return call_function(expression, environment);
    case Expression::Kind::kMember:
      return member(TRY(evaluate(expression.children[0], environment)), expression.name);
    case Expression::Kind::kIndex: {
      Json base = TRY(evaluate(expression.children[0], environment));
      return indexed(base, TRY(evaluate(expression.children[1], environment)));
    }
  }
  return internal_error("unknown kind of expression");
}

Result<Json> evaluate_text(std::string_view text, const Environment& environment) {
  if (!is_expression(text)) return Json(unescape_literal(text));
  return evaluate(TRY(parse_expression(text)), environment);
}

Result<Json> evaluate_tree(const Json& tree, const Environment& environment) {
  TRY(charge(environment, 1));
  if (tree.is_string()) return evaluate_text(tree.str(), environment);
  if (tree.is_object()) return evaluate_object(tree, environment);
  if (!tree.is_array()) return tree;
  Json array = Json::array();
  for (const Json& item : tree.items()) array.push_back(TRY(evaluate_tree(item, environment)));
  return array;
}

Result<Json> evaluate_copy(const Json& copy, const std::string& loop_name,
                           const Environment& environment) {
  Json count = TRY(evaluate_tree(copy["count"], environment));
  if (!count.is_integer() || count.integer() < 0 || count.integer() > kLoopMax)
    return template_error(
        cat({"The copy count of '", loop_name, "' must be a whole number from 0 to ",
             std::to_string(kLoopMax), "."}));
  Environment inner = environment;
  const bool in_resource = !environment.loops.empty() && !loop_name.empty();
  inner.loops.push_back({loop_name, 0, in_resource});
  Json items = Json::array();
  for (int64_t i = 0; i < count.integer(); ++i) {
    inner.loops.back().index = i;
    items.push_back(TRY(evaluate_tree(copy["input"], inner)));
  }
  return items;
}

Variables::Variables(const Json& source, const Environment& environment)
    : environment_(environment), source_(source) {}

const Json* Variables::source(std::string_view name) const {
  if (const Json* found = member_of(source_, name)) return found;
  for (const Json& copy : source_["copy"].items())
    if (iequals(copy["name"].str(), name)) return &copy;
  return nullptr;
}

Result<Json> Variables::get(std::string_view name) {
  if (auto found = known_.find(name); found != known_.end()) return found->second;
  const Json* value = source(name);
  if (value == nullptr || iequals(name, "copy"))
    return template_error(cat({"The template variable '", name, "' is not found."}));
  if (!open_.insert(std::string(name)).second)
    return template_error(cat({"The template variable '", name, "' refers to itself."}));
  const bool loop = member_of(source_, name) == nullptr;
  Environment bare = environment_;
  bare.loops.clear();  // a variable is the same wherever it is used
  Result<Json> result =
      loop ? evaluate_copy(*value, std::string(name), bare) : evaluate_tree(*value, bare);
  open_.erase(open_.find(name));
  if (result.ok()) known_[std::string(name)] = *result;
  return result;
}

}  // namespace lazuli::templates
