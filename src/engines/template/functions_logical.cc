// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-logical
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-comparison
#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

Result<Json> call_bool(const Call& call) {
  if (call[0].is_bool()) return call[0];
  if (call[0].is_integer()) return Json(call[0].integer() != 0);
  const std::string text = to_lower(TRY(call.text(0)));
  if (text == "true" || text == "1") return Json(true);
  if (text == "false" || text == "0") return Json(false);
  return call.fault("the argument is neither true nor false.");
}

Result<Json> call_not(const Call& call) { return Json(!TRY(call.boolean(0))); }
Result<Json> call_true(const Call&) { return Json(true); }
Result<Json> call_false(const Call&) { return Json(false); }

Result<Json> call_equals(const Call& call) { return Json(same_value(call[0], call[1])); }

// Negative, zero or positive. Numbers, or strings by their characters.
Result<int> compare(const Call& call) {
  if (call[0].is_number() && call[1].is_number()) {
    const double a = call[0].number(), b = call[1].number();
    if (call[0].is_integer() && call[1].is_integer())
      return call[0].integer() < call[1].integer() ? -1 : call[0].integer() > call[1].integer();
    return a < b ? -1 : a > b;
  }
  return TRY(call.text(0)).compare(TRY(call.text(1)));
}

Result<Json> call_less(const Call& call) { return Json(TRY(compare(call)) < 0); }
Result<Json> call_less_or_equals(const Call& call) { return Json(TRY(compare(call)) <= 0); }
Result<Json> call_greater(const Call& call) { return Json(TRY(compare(call)) > 0); }
Result<Json> call_greater_or_equals(const Call& call) { return Json(TRY(compare(call)) >= 0); }

// The deployment ends here, in the author's words.
Result<Json> call_fail(const Call& call) {
  return invalid_argument(TRY(call.text(0)), "DeploymentFailedByTemplate");
}

constexpr Function kFunctions[] = {
    {"bool", 1, 1, call_bool},
    {"not", 1, 1, call_not},
    {"true", 0, 0, call_true},
    {"false", 0, 0, call_false},
    {"equals", 2, 2, call_equals},
    {"less", 2, 2, call_less},
    {"lessOrEquals", 2, 2, call_less_or_equals},
    {"greater", 2, 2, call_greater},
    {"greaterOrEquals", 2, 2, call_greater_or_equals},
    {"fail", 1, 1, call_fail},
};

}  // namespace

std::span<const Function> logical_functions() { return kFunctions; }

}  // namespace lazuli::templates
