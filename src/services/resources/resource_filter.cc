// SPDX-License-Identifier: Apache-2.0
#include "services/resources/resource_filter.h"

#include "base/strings.h"

namespace lazuli::resources {
namespace {

constexpr size_t kFilterMax = 4096;

Error not_understood(std::string_view text) {
  return invalid_argument(cat({"The $filter '", text.substr(0, 200), "' is not understood."}),
                          "InvalidFilterInQueryString");
}

// Splits at " and " or " or " outside of quotes.
std::vector<std::string_view> pieces_of(std::string_view text, std::string_view word) {
  std::vector<std::string_view> pieces;
  bool quoted = false;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'') quoted = !quoted;
    if (quoted || !istarts_with(text.substr(i), word)) continue;
    pieces.push_back(trim(text.substr(begin, i - begin)));
    begin = i + word.size();
    i = begin - 1;
  }
  pieces.push_back(trim(text.substr(begin)));
  return pieces;
}

bool unquote(std::string_view text, std::string& value) {
  text = trim(text);
  if (text.size() < 2 || text.front() != '\'' || text.back() != '\'') return false;
  value = replace_all(text.substr(1, text.size() - 2), "''", "'");
  return true;
}

std::string group_of(std::string_view id) {
  const std::vector<std::string_view> parts = split(id, '/');
  return parts.size() > 4 && iequals(parts[3], "resourceGroups") ? std::string(parts[4]) : "";
}

}  // namespace

Result<ResourceFilter> ResourceFilter::parse(std::string_view text) {
  ResourceFilter filter;
  text = trim(text);
  if (text.empty()) return filter;
  if (text.size() > kFilterMax) return not_understood(text);
  std::vector<std::string_view> pieces = pieces_of(text, " and ");
  if (pieces.size() == 1) {
    pieces = pieces_of(text, " or ");
    filter.any_ = pieces.size() > 1;
  }
  for (std::string_view piece : pieces) {
    if (piece.starts_with('(') && piece.ends_with(')')) piece = piece.substr(1, piece.size() - 2);
    filter.tests_.push_back(TRY(parse_test(piece)));
  }
  return filter;
}

Result<ResourceFilter::Test> ResourceFilter::parse_test(std::string_view text) {
  Test test;
  const auto call = [&](std::string_view name) {
    return istarts_with(text, name) && text.size() > name.size() + 2 && text[name.size()] == '(' &&
           text.back() == ')';
  };
  if (call("substringof") || call("startswith")) {
    const bool contains = istarts_with(text, "substringof");
    test.kind = contains ? Test::Kind::kContains : Test::Kind::kStarts;
    std::string_view inside = text.substr(text.find('(') + 1);
    inside.remove_suffix(1);
    const size_t comma = contains ? inside.rfind(',') : inside.find(',');
    if (comma == inside.npos) return not_understood(text);
    std::string_view first = inside.substr(0, comma), second = inside.substr(comma + 1);
    if (contains) std::swap(first, second);
    test.field = to_lower(trim(first));
    if (!unquote(second, test.value)) return not_understood(text);
  } else {
    size_t at = text.find(" eq ");
    if (at == text.npos) {
      at = text.find(" ne ");
      test.kind = Test::Kind::kDiffers;
    }
    if (at == text.npos || !unquote(text.substr(at + 4), test.value)) return not_understood(text);
    test.field = to_lower(trim(text.substr(0, at)));
  }
  for (std::string_view known : {"resourcetype", "name", "location", "resourcegroup", "tagname",
                                 "tagvalue", "identity/principalid"})
    if (test.field == known) return test;
  return not_understood(text);
}

bool ResourceFilter::holds(const Test& test, const Json& resource) const {
  std::string found;
  if (test.field == "resourcetype") found = resource["type"].str();
  if (test.field == "name") found = resource["name"].str();
  if (test.field == "location") found = resource["location"].str();
  if (test.field == "resourcegroup") found = group_of(resource["id"].str());
  if (test.field == "identity/principalid") found = resource["identity"]["principalId"].str();
  switch (test.kind) {
    case Test::Kind::kEquals:
      return iequals(found, test.value);
    case Test::Kind::kDiffers:
      return !iequals(found, test.value);
    case Test::Kind::kContains:
      return to_lower(found).find(to_lower(test.value)) != std::string::npos;
    case Test::Kind::kStarts:
      return istarts_with(found, test.value);
  }
  return false;
}

// tagName and tagValue are about one and the same tag.
bool ResourceFilter::holds_for_tags(const Json& tags) const {
  for (const Json::Member& tag : tags.members()) {
    bool all = true;
    for (const Test& test : tests_) {
      if (test.field == "tagname")
        all = all && (test.kind == Test::Kind::kStarts ? istarts_with(tag.key, test.value)
                                                       : iequals(tag.key, test.value));
      if (test.field == "tagvalue") all = all && tag.value.str() == test.value;
    }
    if (all) return true;
  }
  return false;
}

bool ResourceFilter::matches(const Json& resource) const {
  bool all = true, any = tests_.empty(), tags = false;
  for (const Test& test : tests_) {
    if (test.field.starts_with("tag")) {
      tags = true;
      continue;
    }
    const bool held = holds(test, resource);
    all = all && held;
    any = any || held;
  }
  if (any_) return any;
  return all && (!tags || holds_for_tags(resource["tags"]));
}

}  // namespace lazuli::resources
