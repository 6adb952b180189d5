// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-object
#include <algorithm>

#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

std::vector<std::string> sorted_keys(const Json& object) {
  std::vector<std::string> keys;
  for (const Json::Member& each : object.members()) keys.push_back(each.key);
  std::sort(keys.begin(), keys.end(), [](const std::string& a, const std::string& b) {
    const std::string left = to_lower(a), right = to_lower(b);
    return left == right ? a < b : left < right;
  });
  return keys;
}

Result<Json> call_create_object(const Call& call) {
  if (call.count() % 2 != 0) return call.fault("the arguments must be pairs of keys and values.");
  Json object = Json::object();
  for (size_t i = 0; i < call.count(); i += 2) object.set(TRY(call.text(i)), call[i + 1]);
  return object;
}

Result<Json> call_items(const Call& call) {
  Json object = TRY(call.object(0));
  Json items = Json::array();
  for (const std::string& key : sorted_keys(object))
    items.push_back(Json::object({{"key", key}, {"value", object[key]}}));
  return items;
}

Result<Json> call_object_keys(const Call& call) {
  return Json::strings(sorted_keys(TRY(call.object(0))));
}

// The value at a path of keys and indexes, or null where the path leads nowhere.
Result<Json> call_try_get(const Call& call) {
  Json value = call[0];
  for (size_t i = 1; i < call.count(); ++i) {
    Json next;
    if (call[i].is_string()) {
      if (const Json* found = member_of(value, call[i].str())) next = *found;
    } else {
      const int64_t index = TRY(call.integer(i));
      if (value.is_array() && index >= 0 && index < static_cast<int64_t>(value.size()))
        next = value.items()[static_cast<size_t>(index)];
    }
    value = std::move(next);
    if (value.is_null()) break;
  }
  return value;
}

Result<Json> call_shallow_merge(const Call& call) {
  Json merged = Json::object();
  for (const Json& each : TRY(call.array(0))) {
    if (!each.is_object()) return call.wrong_type(0, "Array of objects");
    for (const Json::Member& member : each.members()) merged.set(member.key, member.value);
  }
  return merged;
}

Result<Json> call_null(const Call&) { return Json(); }

constexpr Function kFunctions[] = {
    {"createObject", 0, kAny, call_create_object}, {"items", 1, 1, call_items},
    {"objectKeys", 1, 1, call_object_keys},        {"tryGet", 2, kAny, call_try_get},
    {"shallowMerge", 1, 1, call_shallow_merge},    {"null", 0, 0, call_null},
};

}  // namespace

std::span<const Function> object_functions() { return kFunctions; }

}  // namespace lazuli::templates
