// SPDX-License-Identifier: Apache-2.0
// Expressions of templates: printed, they parse to the same; evaluated, they end, and soon.
#include "base/testing.h"
#include "engines/template/evaluate.h"
#include "engines/template/expression.h"

namespace lazuli::templates {
namespace {

void check_printing(const Expression& expression) {
  const std::string text = print_expression(expression);
  const auto again = parse_expression(cat({"[", text, "]"}));
  if (!again.ok()) {
    CHECK(text.size() + 2 > kExpressionBytesMax);
    return;
  }
  CHECK(print_expression(*again) == text);
}

Facts surroundings() {
  Facts facts;
  facts.subscription_id = "11111111-1111-1111-1111-111111111111";
  facts.resource_group = "group";
  facts.resource_group_json = Json::object({{"location", "local"}});
  facts.time = from_micros(1'700'000'000'000'000);
  return facts;
}

}  // namespace

FUZZ_TARGET(template_expression) {
  if (!is_utf8(data)) return;  // templates are JSON
  const std::string text = cat({"[", data, "]"});
  const auto expression = parse_expression(text);
  if (!expression.ok()) return;
  check_printing(*expression);
  const Facts facts = surroundings();
  NameMap<Json> parameters;
  parameters["a"] = Json::array({1, "two", Json::object({{"three", 3}})});
  Environment environment;
  environment.facts = &facts;
  environment.parameters = &parameters;
  environment.in_default = true;
  const auto value = evaluate(*expression, environment);
  if (value.ok()) CHECK(Json::parse(value->dump()).ok() || value->dump().size() > (16u << 20));
}

}  // namespace lazuli::templates
