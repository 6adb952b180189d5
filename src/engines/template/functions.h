// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engines/template/evaluate.h"

namespace lazuli::templates {

// A function's call with its arguments evaluated. The readers say which argument has which wrong
// type.
struct Call {
  std::string_view name;
  const std::vector<Json>& arguments;
  const Environment& environment;

  size_t count() const { return arguments.size(); }
  const Json& operator[](size_t index) const { return arguments[index]; }
  bool has(size_t index) const { return index < arguments.size() && !arguments[index].is_null(); }
  Result<std::string> text(size_t index) const;
  Result<int64_t> integer(size_t index) const;
  Result<bool> boolean(size_t index) const;
  Result<Json::Array> array(size_t index) const;
  Result<Json> object(size_t index) const;
  Error fault(std::string_view what) const;
  Error wrong_type(size_t index, std::string_view expected) const;
};

// The documented functions, by family. Names compare without case.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions
struct Function {
  std::string_view name;
  size_t arguments_min, arguments_max;
  Result<Json> (*call)(const Call&);
};
inline constexpr size_t kAny = 4096;

std::span<const Function> string_functions();
std::span<const Function> encoding_functions();
std::span<const Function> array_functions();
std::span<const Function> object_functions();
std::span<const Function> numeric_functions();
std::span<const Function> logical_functions();
std::span<const Function> date_functions();
std::span<const Function> cidr_functions();
std::span<const Function> resource_functions();
std::span<const Function> scope_functions();

// Those that decide themselves which arguments to evaluate.
struct SpecialForm {
  std::string_view name;
  size_t arguments_min, arguments_max;
  Result<Json> (*call)(const Expression&, const Environment&);
};
std::span<const SpecialForm> lambda_forms();

const Function* find_function(std::string_view name);
const SpecialForm* find_form(std::string_view name);

Error template_error(std::string message);

// How values become text: "1", "True", compact JSON.
std::string to_text(const Json& value);
std::string_view type_name(const Json& value);
// Equality of the language: numbers by value, objects without regard to order.
bool same_value(const Json& a, const Json& b);
// A member by name without case; null when absent.
const Json* member_of(const Json& object, std::string_view name);
// UTF-16 code units, as the language counts them.
std::u16string to_utf16(std::string_view text);
std::string from_utf16(std::u16string_view text);

}  // namespace lazuli::templates
