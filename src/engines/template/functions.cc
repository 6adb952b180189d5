// SPDX-License-Identifier: Apache-2.0
#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

template <typename T>
const T* find_in(std::span<const T> functions, std::string_view name) {
  for (const T& each : functions)
    if (iequals(each.name, name)) return &each;
  return nullptr;
}

void append_utf8(std::string& out, uint32_t point) {
  auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xC0 | point >> 6);
    add(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    add(0xE0 | point >> 12);
    add(0x80 | (point >> 6 & 0x3F));
    add(0x80 | (point & 0x3F));
  } else {
    add(0xF0 | point >> 18);
    add(0x80 | (point >> 12 & 0x3F));
    add(0x80 | (point >> 6 & 0x3F));
    add(0x80 | (point & 0x3F));
  }
}

}  // namespace

const Function* find_function(std::string_view name) {
  for (std::span<const Function> family :
       {string_functions(), encoding_functions(), array_functions(), object_functions(),
        numeric_functions(), logical_functions(), date_functions(), cidr_functions(),
        resource_functions(), scope_functions()})
    if (const Function* found = find_in(family, name)) return found;
  // listKeys, listSecrets, listAccountSas …: a family without end.
  if (istarts_with(name, "list") && name.size() > 4 && name.find('.') == std::string_view::npos)
    return find_in(resource_functions(), "list*");
  return nullptr;
}

const SpecialForm* find_form(std::string_view name) { return find_in(lambda_forms(), name); }

Error template_error(std::string message) {
  return invalid_argument(std::move(message), "InvalidTemplate");
}

std::string_view type_name(const Json& value) {
  if (value.is_null()) return "Null";
  if (value.is_bool()) return "Boolean";
  if (value.is_integer()) return "Integer";
  if (value.is_number()) return "Float";
  if (value.is_string()) return "String";
  return value.is_array() ? "Array" : "Object";
}

std::string to_text(const Json& value) {
  if (value.is_string()) return std::string(value.str());
  if (value.is_bool()) return value.boolean() ? "True" : "False";
  if (value.is_null()) return {};
  return value.dump();
}

bool same_value(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number() && a.is_integer() != b.is_integer())
    return a.number() == b.number();
  return a == b;
}

const Json* member_of(const Json& object, std::string_view name) {
  if (const Json* exact = object.find(name)) return exact;
  for (const Json::Member& each : object.members())
    if (iequals(each.key, name)) return &each.value;
  return nullptr;
}

std::u16string to_utf16(std::string_view text) {
  std::u16string out;
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t k) -> uint32_t {
      return k < text.size() ? static_cast<unsigned char>(text[k]) : 0;
    };
    uint32_t lead = byte(i), point = lead;
    size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (size == 2) point = (lead & 0x1F) << 6 | (byte(i + 1) & 0x3F);
    if (size == 3) point = (lead & 0x0F) << 12 | (byte(i + 1) & 0x3F) << 6 | (byte(i + 2) & 0x3F);
    if (size == 4)
      point = (lead & 0x07) << 18 | (byte(i + 1) & 0x3F) << 12 | (byte(i + 2) & 0x3F) << 6 |
              (byte(i + 3) & 0x3F);
    i += size;
    if (point >= 0x10000) {
      out += static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10));
      out += static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF));
    } else {
      out += static_cast<char16_t>(point);
    }
  }
  return out;
}

std::string from_utf16(std::u16string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    uint32_t unit = text[i];
    const bool high = unit >= 0xD800 && unit < 0xDC00;
    const uint32_t next = i + 1 < text.size() ? text[i + 1] : 0;
    if (high && next >= 0xDC00 && next < 0xE000) {
      append_utf8(out, 0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00));
      ++i;
    } else {
      append_utf8(out, unit >= 0xD800 && unit < 0xE000 ? 0xFFFD : unit);
    }
  }
  return out;
}

Error Call::fault(std::string_view what) const {
  return template_error(cat({"Unable to evaluate the template function '", name, "': ", what}));
}

Error Call::wrong_type(size_t index, std::string_view expected) const {
  const std::string_view given =
      index < arguments.size() ? type_name(arguments[index]) : std::string_view("Null");
  return template_error(cat({"The template function '", name, "' expects its parameter at index ",
                             std::to_string(index), " to be of type '", expected,
                             "'. The provided value is of type '", given, "'."}));
}

Result<std::string> Call::text(size_t index) const {
  if (index >= arguments.size() || !arguments[index].is_string())
    return wrong_type(index, "String");
  return std::string(arguments[index].str());
}

Result<int64_t> Call::integer(size_t index) const {
  if (index >= arguments.size() || !arguments[index].is_integer())
    return wrong_type(index, "Integer");
  return arguments[index].integer();
}

Result<bool> Call::boolean(size_t index) const {
  if (index >= arguments.size() || !arguments[index].is_bool()) return wrong_type(index, "Boolean");
  return arguments[index].boolean();
}

Result<Json::Array> Call::array(size_t index) const {
  if (index >= arguments.size() || !arguments[index].is_array()) return wrong_type(index, "Array");
  return arguments[index].items();
}

Result<Json> Call::object(size_t index) const {
  if (index >= arguments.size() || !arguments[index].is_object())
    return wrong_type(index, "Object");
  return arguments[index];
}

}  // namespace lazuli::templates
