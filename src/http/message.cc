// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace lazuli::http {
namespace {

struct Name {
  Method method;
  std::string_view text;
};
constexpr std::array kNames = {
    Name{Method::kGet, "GET"},         Name{Method::kHead, "HEAD"},
    Name{Method::kPost, "POST"},       Name{Method::kPut, "PUT"},
    Name{Method::kPatch, "PATCH"},     Name{Method::kDelete, "DELETE"},
    Name{Method::kOptions, "OPTIONS"}, Name{Method::kConnect, "CONNECT"},
};

}  // namespace

std::string_view to_string(Method method) {
  for (const Name& name : kNames) {
    if (name.method == method) return name.text;
  }
  return "OTHER";
}

Method parse_method(std::string_view text) {
  for (const Name& name : kNames) {
    if (name.text == text) return name.method;
  }
  return Method::kOther;
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const Field& field : fields_) {
    if (iequals(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::string_view Headers::get_or(std::string_view name, std::string_view fallback) const {
  return get(name).value_or(fallback);
}

size_t Headers::count(std::string_view name) const {
  return static_cast<size_t>(std::count_if(fields_.begin(), fields_.end(), [&](const Field& field) {
    return iequals(field.name, name);
  }));
}

void Headers::set(std::string_view name, std::string_view value) {
  const auto same = [&](const Field& field) { return iequals(field.name, name); };
  const auto first = std::find_if(fields_.begin(), fields_.end(), same);
  if (first == fields_.end()) return add(name, value);
  first->value = value;
  fields_.erase(std::remove_if(first + 1, fields_.end(), same), fields_.end());
}

void Headers::add(std::string_view name, std::string_view value) {
  fields_.push_back({std::string(name), std::string(value)});
}

void Headers::erase(std::string_view name) {
  std::erase_if(fields_, [&](const Field& field) { return iequals(field.name, name); });
}

Response::Response(int status_code, std::string text, std::string_view content_type)
    : status(status_code), body(std::move(text)) {
  if (!content_type.empty()) headers.add("Content-Type", content_type);
}

}  // namespace lazuli::http
