// SPDX-License-Identifier: Apache-2.0
// Evaluation of what is known already. An inner template whose expressions belong to the outer
// scope is handed on with the outer parameters and variables put in; what needs the running
// deployment (reference, list…) stays an expression.
#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

constexpr int kDepthMax = 32;

Expression literal_of(const Json& value) {
  if (value.is_string() || value.is_integer()) return {Expression::Kind::kLiteral, value, {}, {}};
  if (value.is_bool() || value.is_null()) {
    const char* name = value.is_null() ? "null" : value.boolean() ? "true" : "false";
    return {Expression::Kind::kCall, {}, name, {}};
  }
  Expression call{Expression::Kind::kCall, {}, "json", {}};
  call.children.push_back({Expression::Kind::kLiteral, Json(value.dump()), {}, {}});
  return call;
}

// A part of a template as one expression.
Result<Expression> to_expression(const Json& tree) {
  if (tree.is_string()) {
    if (is_expression(tree.str())) return parse_expression(tree.str());
    return literal_of(Json(unescape_literal(tree.str())));
  }
  if (tree.is_array()) {
    Expression call{Expression::Kind::kCall, {}, "createArray", {}};
    for (const Json& item : tree.items()) call.children.push_back(TRY(to_expression(item)));
    return call;
  }
  if (!tree.is_object()) return literal_of(tree);
  if (tree.contains("copy"))
    return template_error(
        "A loop over values that only the running deployment knows is not "
        "allowed in a variable of an outer scope.");
  Expression call{Expression::Kind::kCall, {}, "createObject", {}};
  for (const Json::Member& each : tree.members()) {
    call.children.push_back(TRY(to_expression(Json(each.key))));
    call.children.push_back(TRY(to_expression(each.value)));
  }
  return call;
}

Result<Expression> fold(const Expression& expression, const Environment& environment, int depth) {
  if (depth > kDepthMax + kExpressionDepthMax) return template_error("It is nested too deeply.");
  if (expression.kind == Expression::Kind::kCall && iequals(expression.name, "lambda") &&
      !expression.children.empty()) {
    Expression lambda = expression;
    lambda.children.back() = TRY(fold(expression.children.back(), environment, depth + 1));
    return lambda;
  }
  Result<Json> value = evaluate(expression, environment);
  if (value.ok()) return literal_of(*value);
  if (!is_deferred(value.error())) return std::move(value).error();
  if (expression.kind == Expression::Kind::kCall && iequals(expression.name, "variables") &&
      environment.variables != nullptr && !expression.children.empty()) {
    Json name = TRY(evaluate(expression.children[0], environment));
    if (const Json* source = environment.variables->source(name.str()))
      return fold(TRY(to_expression(*source)), environment, depth + 1);
  }
  Expression folded = expression;
  for (Expression& child : folded.children) {
    Result<Expression> done = fold(child, environment, depth + 1);
    if (done.ok()) child = std::move(*done);  // else it may stand in a branch never taken
  }
  return folded;
}

Result<Json> fold_text(std::string_view text, const Environment& environment) {
  if (!is_expression(text)) return Json(text);
  Expression expression = TRY(parse_expression(text));
  Result<Json> value = evaluate(expression, environment);
  if (value.ok()) return to_template(*value);
  if (!is_deferred(value.error())) return std::move(value).error();
  return Json(cat({"[", print_expression(TRY(fold(expression, environment, 0))), "]"}));
}

// An inner template that is evaluated by itself.
bool has_own_scope(const Json& tree) {
  return tree["template"].is_object() &&
         iequals(tree["expressionEvaluationOptions"]["scope"].str(), "inner");
}

}  // namespace

Json to_template(const Json& value) {
  if (value.is_string()) return Json(escape_literal(value.str()));
  if (value.is_array()) {
    Json array = Json::array();
    for (const Json& item : value.items()) array.push_back(to_template(item));
    return array;
  }
  if (!value.is_object()) return value;
  Json object = Json::object();
  for (const Json::Member& each : value.members())
    object.set(escape_literal(each.key), to_template(each.value));
  return object;
}

Result<Json> from_template(const Json& tree) {
  if (tree.is_string()) {
    if (is_expression(tree.str()))
      return invalid_argument("it is known when the template is deployed", std::string(kDeferred));
    return Json(unescape_literal(tree.str()));
  }
  if (tree.is_array()) {
    Json array = Json::array();
    for (const Json& item : tree.items()) array.push_back(TRY(from_template(item)));
    return array;
  }
  if (!tree.is_object()) return tree;
  Json object = Json::object();
  for (const Json::Member& each : tree.members())
    object.set(unescape_literal(each.key), TRY(from_template(each.value)));
  return object;
}

Result<Json> fold_tree(const Json& tree, const Environment& environment) {
  if (tree.is_string()) return fold_text(tree.str(), environment);
  if (tree.is_array()) {
    Json array = Json::array();
    for (const Json& item : tree.items()) array.push_back(TRY(fold_tree(item, environment)));
    return array;
  }
  if (!tree.is_object()) return tree;
  Environment inner = environment;
  if (tree.contains("copy"))  // the inner template's own loop: copyIndex() is its
    for (Loop& loop : inner.loops) loop.named_only = true;
  Json object = Json::object();
  for (const Json::Member& each : tree.members()) {
    if (each.key == "template" && has_own_scope(tree)) {
      object.set(each.key, each.value);
      continue;
    }
    Json key = TRY(fold_text(each.key, inner));
    object.set(key.str(), TRY(fold_tree(each.value, inner)));
  }
  return object;
}

}  // namespace lazuli::templates
