// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-array
#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

constexpr int64_t kRangeMax = 10'000;  // Azure's own limit

bool holds(const Json::Array& items, const Json& value) {
  for (const Json& each : items)
    if (same_value(each, value)) return true;
  return false;
}

Result<Json> call_array(const Call& call) {
  if (call[0].is_array()) return call[0];
  return Json::array({call[0]});
}

Result<Json> call_create_array(const Call& call) {
  return Json::array(Json::Array(call.arguments));
}

Result<Json> call_contains(const Call& call) {
  if (call[0].is_array()) return Json(holds(call[0].items(), call[1]));
  if (call[0].is_object()) return Json(member_of(call[0], to_text(call[1])) != nullptr);
  return Json(TRY(call.text(0)).find(to_text(call[1])) != std::string::npos);
}

Result<Json> call_empty(const Call& call) {
  if (call[0].is_null()) return Json(true);
  if (call[0].is_string()) return Json(call[0].str().empty());
  if (call[0].is_array() || call[0].is_object()) return Json(call[0].empty());
  return call.wrong_type(0, "Array, Object, String");
}

Result<Json> call_length(const Call& call) {
  if (call[0].is_string()) return Json(to_utf16(call[0].str()).size());
  if (call[0].is_array() || call[0].is_object()) return Json(call[0].size());
  return call.wrong_type(0, "Array, Object, String");
}

Result<Json> call_first(const Call& call) {
  if (call[0].is_string()) return Json(from_utf16(to_utf16(call[0].str()).substr(0, 1)));
  const Json::Array items = TRY(call.array(0));
  return items.empty() ? Json() : items.front();
}

Result<Json> call_last(const Call& call) {
  if (call[0].is_string()) {
    const std::u16string text = to_utf16(call[0].str());
    return Json(text.empty() ? std::string() : from_utf16(text.substr(text.size() - 1)));
  }
  const Json::Array items = TRY(call.array(0));
  return items.empty() ? Json() : items.back();
}

Result<Json> call_skip(const Call& call) {
  const auto count = static_cast<size_t>(std::max<int64_t>(TRY(call.integer(1)), 0));
  if (call[0].is_string()) {
    const std::u16string text = to_utf16(call[0].str());
    return Json(from_utf16(text.substr(std::min(count, text.size()))));
  }
  Json::Array items = TRY(call.array(0));
  items.erase(items.begin(), items.begin() + static_cast<long>(std::min(count, items.size())));
  return Json::array(std::move(items));
}

Result<Json> call_take(const Call& call) {
  const auto count = static_cast<size_t>(std::max<int64_t>(TRY(call.integer(1)), 0));
  if (call[0].is_string()) return Json(from_utf16(to_utf16(call[0].str()).substr(0, count)));
  Json::Array items = TRY(call.array(0));
  if (items.size() > count) items.resize(count);
  return Json::array(std::move(items));
}

Result<Json> call_range(const Call& call) {
  const int64_t start = TRY(call.integer(0)), count = TRY(call.integer(1));
  if (count < 0 || count > kRangeMax || start > INT32_MAX - count)
    return call.fault("the count must be from 0 to 10000 and the sum below 2147483647.");
  Json numbers = Json::array();
  for (int64_t i = 0; i < count; ++i) numbers.push_back(Json(start + i));
  return numbers;
}

// Of objects, values of the same name are united too; of arrays, each value is once in it.
Json united(const Json& a, const Json& b) {
  if (!a.is_object() || !b.is_object()) return b;
  Json all = a;
  for (const Json::Member& each : b.members()) {
    const Json* before = member_of(all, each.key);
    std::string key = each.key;
    for (const Json::Member& own : a.members())
      if (iequals(own.key, each.key)) key = own.key;
    all.set(key, before == nullptr ? each.value : united(*before, each.value));
  }
  return all;
}

Result<Json> call_union(const Call& call) {
  Json all = call[0];
  if (all.is_object()) {
    for (size_t i = 1; i < call.count(); ++i) all = united(all, TRY(call.object(i)));
    return all;
  }
  Json::Array items;
  for (size_t i = 0; i < call.count(); ++i)
    for (Json& item : TRY(call.array(i)))
      if (!holds(items, item)) items.push_back(std::move(item));
  return Json::array(std::move(items));
}

Result<Json> call_intersection(const Call& call) {
  if (call[0].is_object()) {
    Json common = Json::object();
    for (const Json::Member& each : call[0].members()) {
      bool everywhere = true;
      for (size_t i = 1; i < call.count(); ++i) {
        const Json other = TRY(call.object(i));
        const Json* found = member_of(other, each.key);
        everywhere = everywhere && found != nullptr && same_value(*found, each.value);
      }
      if (everywhere) common.set(each.key, each.value);
    }
    return common;
  }
  Json::Array items;
  for (const Json& item : TRY(call.array(0))) {
    bool everywhere = !holds(items, item);
    for (size_t i = 1; i < call.count(); ++i)
      everywhere = holds(TRY(call.array(i)), item) && everywhere;
    if (everywhere) items.push_back(item);
  }
  return Json::array(std::move(items));
}

Result<Json> call_flatten(const Call& call) {
  Json flat = Json::array();
  for (const Json& inner : TRY(call.array(0))) {
    if (!inner.is_array()) return call.wrong_type(0, "Array of arrays");
    for (const Json& item : inner.items()) flat.push_back(item);
  }
  return flat;
}

Result<Json> call_distinct(const Call& call) {
  Json::Array items;
  for (const Json& item : TRY(call.array(0)))
    if (!holds(items, item)) items.push_back(item);
  return Json::array(std::move(items));
}

constexpr Function kFunctions[] = {
    {"array", 1, 1, call_array},       {"createArray", 0, kAny, call_create_array},
    {"contains", 2, 2, call_contains}, {"empty", 1, 1, call_empty},
    {"length", 1, 1, call_length},     {"first", 1, 1, call_first},
    {"last", 1, 1, call_last},         {"skip", 2, 2, call_skip},
    {"take", 2, 2, call_take},         {"range", 2, 2, call_range},
    {"union", 2, kAny, call_union},    {"intersection", 2, kAny, call_intersection},
    {"flatten", 1, 1, call_flatten},   {"distinct", 1, 1, call_distinct},
};

}  // namespace

std::span<const Function> array_functions() { return kFunctions; }

}  // namespace lazuli::templates
