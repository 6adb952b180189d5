// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include <algorithm>
#include <array>

#include "base/check.h"
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

// Of an ordinary message: what holds it grows at once to this size.
constexpr size_t kFieldsExpected = 12;
constexpr size_t kTextExpected = 512;

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
  for (const Place& place : places_) {
    if (place.name_size != name.size()) continue;
    if (iequals({text_.data() + place.name, place.name_size}, name))
      return std::string_view(text_.data() + place.value, place.value_size);
  }
  return std::nullopt;
}

std::string_view Headers::get_or(std::string_view name, std::string_view fallback) const {
  return get(name).value_or(fallback);
}

size_t Headers::count(std::string_view name) const {
  size_t count = 0;
  for (const Field field : fields()) count += iequals(field.name, name) ? 1 : 0;
  return count;
}

void Headers::set(std::string_view name, std::string_view value) {
  for (size_t i = 0; i < places_.size(); ++i) {
    if (!iequals(at(i).name, name)) continue;
    const uint32_t begin = append(value);
    places_[i].value = begin;
    places_[i].value_size = static_cast<uint32_t>(value.size());
    for (size_t other = places_.size(); --other > i;)
      if (iequals(at(other).name, at(i).name))
        places_.erase(places_.begin() + static_cast<ptrdiff_t>(other));
    return;
  }
  add(name, value);
}

void Headers::add(std::string_view name, std::string_view value) {
  if (places_.empty()) {
    places_.reserve(kFieldsExpected);
    text_.reserve(kTextExpected);
  }
  Place place;
  place.name_size = static_cast<uint32_t>(name.size());
  place.value_size = static_cast<uint32_t>(value.size());
  place.name = append(name);
  place.value = append(value);
  places_.push_back(place);
}

void Headers::erase(std::string_view name) {
  std::erase_if(places_, [&](const Place& place) {
    return iequals({text_.data() + place.name, place.name_size}, name);
  });
}

void Headers::clear() {
  text_.clear();
  places_.clear();
}

uint32_t Headers::append(std::string_view text) {
  CHECK(text_.size() + text.size() < UINT32_MAX);
  const auto begin = static_cast<uint32_t>(text_.size());
  text_ += text;
  return begin;
}

Response::Response(int status_code, std::string text, std::string_view content_type)
    : status(status_code), body(std::move(text)) {
  if (!content_type.empty()) headers.add("Content-Type", content_type);
}

}  // namespace lazuli::http
