// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string
#include "base/ids.h"
#include "engines/template/format.h"
#include "engines/template/functions.h"
#include "engines/template/hashes.h"

namespace lazuli::templates {
namespace {

constexpr size_t kTextMax = 1u << 20;

// Strings, or arrays: one name for both.
Result<Json> call_concat(const Call& call) {
  if (call.count() > 0 && call[0].is_array()) {
    Json all = Json::array();
    for (size_t i = 0; i < call.count(); ++i)
      for (Json& item : TRY(call.array(i))) all.push_back(std::move(item));
    return all;
  }
  std::string all;
  for (size_t i = 0; i < call.count(); ++i) {
    if (call[i].is_array() || call[i].is_object()) return call.wrong_type(i, "String");
    all += to_text(call[i]);
    if (all.size() > kTextMax) return call.fault("the result is too long.");
  }
  return Json(std::move(all));
}

Result<Json> call_format(const Call& call) {
  return Json(TRY(format_text(TRY(call.text(0)), std::span(call.arguments).subspan(1))));
}

Result<Json> call_to_lower(const Call& call) { return Json(to_lower(TRY(call.text(0)))); }

Result<Json> call_to_upper(const Call& call) {
  std::string text = TRY(call.text(0));
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return Json(std::move(text));
}

Result<Json> call_trim(const Call& call) {
  const std::string text = TRY(call.text(0));
  return Json(lazuli::trim(text));
}

Result<Json> call_replace(const Call& call) {
  const std::string text = TRY(call.text(0)), from = TRY(call.text(1)), to = TRY(call.text(2));
  if (from.empty()) return call.fault("the text to replace is empty.");
  if (text.size() / from.size() * to.size() > kTextMax)
    return call.fault("the result is too long.");
  return Json(replace_all(text, from, to));
}

Result<Json> call_split(const Call& call) {
  const std::string text = TRY(call.text(0));
  std::vector<std::string> delimiters;
  if (call[1].is_string()) {
    delimiters.push_back(TRY(call.text(1)));
  } else {
    for (const Json& each : TRY(call.array(1))) delimiters.emplace_back(each.str());
  }
  Json pieces = Json::array();
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    size_t taken = 0;
    for (const std::string& each : delimiters)
      if (!each.empty() && std::string_view(text).substr(i).starts_with(each))
        taken = std::max(taken, each.size());
    if (taken == 0) {
      ++i;
      continue;
    }
    pieces.push_back(Json(text.substr(begin, i - begin)));
    begin = i += taken;
  }
  pieces.push_back(Json(text.substr(begin)));
  return pieces;
}

Result<Json> call_join(const Call& call) {
  std::vector<std::string> pieces;
  for (const Json& item : TRY(call.array(0))) pieces.push_back(to_text(item));
  return Json(join(pieces, TRY(call.text(1))));
}

Result<Json> call_substring(const Call& call) {
  const std::u16string text = to_utf16(TRY(call.text(0)));
  const int64_t start = TRY(call.integer(1));
  const int64_t size = static_cast<int64_t>(text.size());
  const int64_t length = call.count() > 2 ? TRY(call.integer(2)) : size - start;
  if (start < 0 || length < 0 || start > size || length > size - start)
    return call.fault("the start index and length must refer to a place within the string.");
  return Json(from_utf16(text.substr(static_cast<size_t>(start), static_cast<size_t>(length))));
}

Result<Json> call_starts_with(const Call& call) {
  return Json(istarts_with(TRY(call.text(0)), TRY(call.text(1))));
}

Result<Json> call_ends_with(const Call& call) {
  const std::string text = TRY(call.text(0)), end = TRY(call.text(1));
  return Json(text.size() >= end.size() &&
              iequals(std::string_view(text).substr(text.size() - end.size()), end));
}

Result<Json> call_index_of(const Call& call) {
  if (call[0].is_array()) {
    const Json::Array items = TRY(call.array(0));
    for (size_t i = 0; i < items.size(); ++i)
      if (same_value(items[i], call[1])) return Json(static_cast<int64_t>(i));
    return Json(-1);
  }
  const std::u16string text = to_utf16(to_lower(TRY(call.text(0))));
  const size_t found = text.find(to_utf16(to_lower(TRY(call.text(1)))));
  return Json(found == text.npos ? int64_t{-1} : static_cast<int64_t>(found));
}

Result<Json> call_last_index_of(const Call& call) {
  if (call[0].is_array()) {
    const Json::Array items = TRY(call.array(0));
    for (size_t i = items.size(); i-- > 0;)
      if (same_value(items[i], call[1])) return Json(static_cast<int64_t>(i));
    return Json(-1);
  }
  const std::u16string text = to_utf16(to_lower(TRY(call.text(0))));
  const size_t found = text.rfind(to_utf16(to_lower(TRY(call.text(1)))));
  return Json(found == text.npos ? int64_t{-1} : static_cast<int64_t>(found));
}

Result<Json> call_pad_left(const Call& call) {
  if (!call[0].is_string() && !call[0].is_integer()) return call.wrong_type(0, "String");
  std::u16string text = to_utf16(to_text(call[0]));
  const int64_t width = TRY(call.integer(1));
  const std::u16string padding = call.count() > 2 ? to_utf16(TRY(call.text(2))) : u" ";
  if (padding.size() != 1) return call.fault("the padding must be one character.");
  if (width < 0 || width > 16) return call.fault("the length must be from 0 to 16.");
  while (text.size() < static_cast<size_t>(width)) text.insert(text.begin(), padding[0]);
  return Json(from_utf16(text));
}

Result<std::vector<std::string>> texts(const Call& call) {
  std::vector<std::string> all;
  for (size_t i = 0; i < call.count(); ++i) all.push_back(TRY(call.text(i)));
  return all;
}

Result<Json> call_guid(const Call& call) { return Json(name_guid(join(TRY(texts(call)), "-"))); }

Result<Json> call_unique_string(const Call& call) {
  return Json(unique_string(join(TRY(texts(call)), "-")));
}

Result<Json> call_new_guid(const Call& call) {
  if (!call.environment.in_default)
    return template_error(
        "The template function 'newGuid' is not expected at this location: it is allowed in the "
        "default value of a parameter only.");
  return Json(new_uuid());
}

Result<Json> call_string(const Call& call) {
  if (call[0].is_null()) return Json("null");
  return Json(to_text(call[0]));
}

constexpr Function kFunctions[] = {
    {"concat", 0, kAny, call_concat},
    {"format", 1, kAny, call_format},
    {"toLower", 1, 1, call_to_lower},
    {"toUpper", 1, 1, call_to_upper},
    {"trim", 1, 1, call_trim},
    {"replace", 3, 3, call_replace},
    {"split", 2, 2, call_split},
    {"join", 2, 2, call_join},
    {"substring", 2, 3, call_substring},
    {"startsWith", 2, 2, call_starts_with},
    {"endsWith", 2, 2, call_ends_with},
    {"indexOf", 2, 2, call_index_of},
    {"lastIndexOf", 2, 2, call_last_index_of},
    {"padLeft", 2, 3, call_pad_left},
    {"guid", 1, kAny, call_guid},
    {"newGuid", 0, 0, call_new_guid},
    {"uniqueString", 1, kAny, call_unique_string},
    {"string", 1, 1, call_string},
};

}  // namespace

std::span<const Function> string_functions() { return kFunctions; }

}  // namespace lazuli::templates
