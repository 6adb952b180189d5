// SPDX-License-Identifier: Apache-2.0
// What decides itself which of its arguments to evaluate: if, and, or, coalesce, and the functions
// over lambda(…).
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-lambda
#include <algorithm>

#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

constexpr int kDepthMax = 64;

Error wrong_type(const Expression& call, size_t index, std::string_view expected,
                 const Json& given) {
  return template_error(
      cat({"The template function '", call.name, "' expects its parameter at index ",
           std::to_string(index), " to be of type '", expected,
           "'. The provided value is of type '", type_name(given), "'."}));
}

Result<bool> truth(const Expression& call, size_t index, const Environment& environment) {
  Json value = TRY(evaluate(call.children[index], environment));
  if (!value.is_bool()) return wrong_type(call, index, "Boolean", value);
  return value.boolean();
}

Result<Json> form_if(const Expression& call, const Environment& environment) {
  const bool condition = TRY(truth(call, 0, environment));
  return evaluate(call.children[condition ? 1 : 2], environment);
}

Result<Json> form_and(const Expression& call, const Environment& environment) {
  for (size_t i = 0; i < call.children.size(); ++i)
    if (!TRY(truth(call, i, environment))) return Json(false);
  return Json(true);
}

Result<Json> form_or(const Expression& call, const Environment& environment) {
  for (size_t i = 0; i < call.children.size(); ++i)
    if (TRY(truth(call, i, environment))) return Json(true);
  return Json(false);
}

Result<Json> form_coalesce(const Expression& call, const Environment& environment) {
  for (const Expression& child : call.children) {
    Json value = TRY(evaluate(child, environment));
    if (!value.is_null()) return value;
  }
  return Json();
}

// lambda('a', 'b', expression), called with values for its variables.
class Lambda {
 public:
  static Result<Lambda> create(const Expression& call, size_t index,
                               const Environment& environment) {
    const Expression& lambda = call.children[index];
    if (lambda.kind != Expression::Kind::kCall || !iequals(lambda.name, "lambda") ||
        lambda.children.empty())
      return template_error(
          cat({"The template function '", call.name,
               "' expects a lambda as its parameter at index ", std::to_string(index), "."}));
    if (environment.depth > kDepthMax) return template_error("Lambdas are nested too deeply.");
    Lambda made(lambda.children.back(), environment);
    for (size_t i = 0; i + 1 < lambda.children.size(); ++i) {
      if (!lambda.children[i].literal.is_string())
        return template_error("The variables of a lambda are named by strings.");
      made.names_.emplace_back(lambda.children[i].literal.str());
    }
    return made;
  }

  // Values beyond its variables are left out.
  Result<Json> operator()(std::initializer_list<Json> values) {
    if (names_.size() > values.size())
      return template_error("The lambda has more variables than it is given values.");
    auto value = values.begin();
    for (const std::string& name : names_) environment_.lambda[name] = *value++;
    return evaluate(body_, environment_);
  }

  size_t variables() const { return names_.size(); }

 private:
  Lambda(const Expression& body, const Environment& environment)
      : body_(body), environment_(environment) {
    ++environment_.depth;
  }
  const Expression& body_;
  Environment environment_;
  std::vector<std::string> names_;
};

Result<Json> source_array(const Expression& call, const Environment& environment) {
  Json source = TRY(evaluate(call.children[0], environment));
  if (!source.is_array()) return wrong_type(call, 0, "Array", source);
  return source;
}

Result<Json> form_filter(const Expression& call, const Environment& environment) {
  Json source = TRY(source_array(call, environment));
  Lambda lambda = TRY(Lambda::create(call, 1, environment));
  Json kept = Json::array();
  int64_t index = 0;
  for (const Json& item : source.items())
    if (TRY(lambda({item, Json(index++)})).boolean()) kept.push_back(item);
  return kept;
}

Result<Json> form_map(const Expression& call, const Environment& environment) {
  Json source = TRY(source_array(call, environment));
  Lambda lambda = TRY(Lambda::create(call, 1, environment));
  Json mapped = Json::array();
  int64_t index = 0;
  for (const Json& item : source.items()) mapped.push_back(TRY(lambda({item, Json(index++)})));
  return mapped;
}

Result<Json> form_reduce(const Expression& call, const Environment& environment) {
  Json source = TRY(source_array(call, environment));
  Json value = TRY(evaluate(call.children[1], environment));
  Lambda lambda = TRY(Lambda::create(call, 2, environment));
  int64_t index = 0;
  for (const Json& item : source.items()) value = TRY(lambda({value, item, Json(index++)}));
  return value;
}

// The lambda says whether its first value comes before its second. A merge sort of our own order:
// the author's predicate may contradict itself, which std::sort does not survive.
Result<Json::Array> sorted(Json::Array items, Lambda& before) {
  if (items.size() < 2) return items;
  const auto middle = items.begin() + static_cast<long>(items.size() / 2);
  Json::Array left = TRY(sorted({items.begin(), middle}, before));
  Json::Array right = TRY(sorted({middle, items.end()}, before));
  Json::Array merged;
  size_t i = 0, k = 0;
  while (i < left.size() && k < right.size()) {
    const bool second = TRY(before({right[k], left[i]})).boolean();
    merged.push_back(second ? right[k++] : left[i++]);
  }
  merged.insert(merged.end(), left.begin() + static_cast<long>(i), left.end());
  merged.insert(merged.end(), right.begin() + static_cast<long>(k), right.end());
  return merged;
}

Result<Json> form_sort(const Expression& call, const Environment& environment) {
  Json source = TRY(source_array(call, environment));
  Lambda lambda = TRY(Lambda::create(call, 1, environment));
  return Json::array(TRY(sorted(source.items(), lambda)));
}

Result<Json> form_to_object(const Expression& call, const Environment& environment) {
  Json source = TRY(source_array(call, environment));
  Lambda key = TRY(Lambda::create(call, 1, environment));
  Json object = Json::object();
  for (const Json& item : source.items()) {
    Json value = item;
    if (call.children.size() > 2) {
      Lambda value_of = TRY(Lambda::create(call, 2, environment));
      value = TRY(value_of({item}));
    }
    object.set(to_text(TRY(key({item}))), std::move(value));
  }
  return object;
}

Result<Json> form_group_by(const Expression& call, const Environment& environment) {
  Json source = TRY(source_array(call, environment));
  Lambda key = TRY(Lambda::create(call, 1, environment));
  Json groups = Json::object();
  int64_t index = 0;
  for (const Json& item : source.items()) {
    const std::string name = to_text(TRY(key({item, Json(index++)})));
    Json& group = groups[name];
    if (!group.is_array()) group = Json::array();
    group.push_back(item);
  }
  return groups;
}

Result<Json> form_map_values(const Expression& call, const Environment& environment) {
  Json source = TRY(evaluate(call.children[0], environment));
  if (!source.is_object()) return wrong_type(call, 0, "Object", source);
  Lambda lambda = TRY(Lambda::create(call, 1, environment));
  Json mapped = Json::object();
  for (const Json::Member& each : source.members()) mapped.set(each.key, TRY(lambda({each.value})));
  return mapped;
}

Result<Json> form_lambda(const Expression&, const Environment&) {
  return template_error("The template function 'lambda' is not expected at this location.");
}

Result<Json> form_lambda_variables(const Expression& call, const Environment& environment) {
  Json name = TRY(evaluate(call.children[0], environment));
  auto found = environment.lambda.find(name.str());
  if (found != environment.lambda.end()) return found->second;
  return invalid_argument(cat({"The lambda variable '", name.str(), "' is not found."}),
                          std::string(kDeferred));
}

constexpr SpecialForm kForms[] = {
    {"if", 3, 3, form_if},
    {"and", 1, kAny, form_and},
    {"or", 1, kAny, form_or},
    {"coalesce", 1, kAny, form_coalesce},
    {"filter", 2, 2, form_filter},
    {"map", 2, 2, form_map},
    {"reduce", 3, 3, form_reduce},
    {"sort", 2, 2, form_sort},
    {"toObject", 2, 3, form_to_object},
    {"groupBy", 2, 2, form_group_by},
    {"mapValues", 2, 2, form_map_values},
    {"lambda", 1, kAny, form_lambda},
    {"lambdaVariables", 1, 1, form_lambda_variables},
};

}  // namespace

std::span<const SpecialForm> lambda_forms() { return kForms; }

}  // namespace lazuli::templates
