// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-numeric
#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

Error overflow(const Call& call) { return call.fault("the result is beyond 64 bits."); }

Result<Json> call_add(const Call& call) {
  int64_t result = 0;
  if (__builtin_add_overflow(TRY(call.integer(0)), TRY(call.integer(1)), &result))
    return overflow(call);
  return Json(result);
}

Result<Json> call_sub(const Call& call) {
  int64_t result = 0;
  if (__builtin_sub_overflow(TRY(call.integer(0)), TRY(call.integer(1)), &result))
    return overflow(call);
  return Json(result);
}

Result<Json> call_mul(const Call& call) {
  int64_t result = 0;
  if (__builtin_mul_overflow(TRY(call.integer(0)), TRY(call.integer(1)), &result))
    return overflow(call);
  return Json(result);
}

Result<Json> call_div(const Call& call) {
  const int64_t a = TRY(call.integer(0)), b = TRY(call.integer(1));
  if (b == 0) return call.fault("division by zero.");
  if (b == -1 && a == INT64_MIN) return overflow(call);
  return Json(a / b);
}

Result<Json> call_mod(const Call& call) {
  const int64_t a = TRY(call.integer(0)), b = TRY(call.integer(1));
  if (b == 0) return call.fault("division by zero.");
  return Json(b == -1 ? int64_t{0} : a % b);
}

// Numbers one by one, or in one array.
Result<std::vector<int64_t>> integers(const Call& call) {
  std::vector<int64_t> numbers;
  if (call[0].is_array()) {
    for (const Json& each : call[0].items()) {
      if (!each.is_integer()) return call.wrong_type(0, "Array of integers");
      numbers.push_back(each.integer());
    }
  } else {
    for (size_t i = 0; i < call.count(); ++i) numbers.push_back(TRY(call.integer(i)));
  }
  if (numbers.empty()) return call.fault("there are no numbers.");
  return numbers;
}

Result<Json> call_min(const Call& call) {
  const std::vector<int64_t> numbers = TRY(integers(call));
  return Json(*std::min_element(numbers.begin(), numbers.end()));
}

Result<Json> call_max(const Call& call) {
  const std::vector<int64_t> numbers = TRY(integers(call));
  return Json(*std::max_element(numbers.begin(), numbers.end()));
}

Result<Json> call_int(const Call& call) {
  if (call[0].is_integer()) return call[0];
  auto number = parse_int(lazuli::trim(TRY(call.text(0))));
  if (!number) return call.fault("the argument is no whole number.");
  return Json(*number);
}

Result<Json> call_float(const Call& call) {
  if (call[0].is_number()) return Json(call[0].number());
  auto number = parse_double(lazuli::trim(TRY(call.text(0))));
  if (!number) return call.fault("the argument is no number.");
  return Json(*number);
}

constexpr Function kFunctions[] = {
    {"add", 2, 2, call_add},    {"sub", 2, 2, call_sub}, {"mul", 2, 2, call_mul},
    {"div", 2, 2, call_div},    {"mod", 2, 2, call_mod}, {"min", 1, kAny, call_min},
    {"max", 1, kAny, call_max}, {"int", 1, 1, call_int}, {"float", 1, 1, call_float},
};

}  // namespace

std::span<const Function> numeric_functions() { return kFunctions; }

}  // namespace lazuli::templates
