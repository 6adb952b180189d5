// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources
#include "services/resources/tags.h"

#include "base/strings.h"

namespace lazuli::resources {
namespace {

constexpr size_t kTagsMax = 50, kNameMax = 512, kValueMax = 256;

// The tag of that name, whatever its case.
std::string key_in(const Json& tags, std::string_view name) {
  for (const Json::Member& each : tags.members())
    if (iequals(each.key, name)) return each.key;
  return std::string(name);
}

}  // namespace

Result<Json> checked_tags(const Json& tags) {
  if (tags.is_null()) return Json::object();
  if (!tags.is_object())
    return invalid_argument("The tags must be an object of strings.", "InvalidTags");
  if (tags.size() > kTagsMax)
    return invalid_argument("A resource has at most 50 tags.", "TooManyTags");
  for (const Json::Member& each : tags.members()) {
    if (each.key.empty() || each.key.size() > kNameMax ||
        each.key.find_first_of("<>%&\\?/") != each.key.npos)
      return invalid_argument(cat({"The tag name '", each.key.substr(0, 100), "' is not valid."}),
                              "InvalidTagNameCharacters");
    if (!each.value.is_string() || each.value.str().size() > kValueMax)
      return invalid_argument(cat({"The value of the tag '", each.key,
                                   "' must be a string of at most 256 characters."}),
                              "InvalidTagValueLength");
  }
  return tags;
}

Result<Json> patched_tags(const Json& before, const Json& change, std::string_view operation) {
  if (iequals(operation, "Replace")) return checked_tags(change);
  Json tags = before.is_object() ? before : Json::object();
  if (iequals(operation, "Merge")) {
    for (const Json::Member& each : change.members()) tags.set(key_in(tags, each.key), each.value);
    return checked_tags(tags);
  }
  if (iequals(operation, "Delete")) {
    for (const Json::Member& each : change.members()) {
      const std::string key = key_in(tags, each.key);
      // A value that is given must be the tag's.
      if (each.value.str().empty() || tags[key].str() == each.value.str()) tags.erase(key);
    }
    return tags;
  }
  return invalid_argument(cat({"The tags operation '", operation.substr(0, 50),
                               "' is none of Merge, Replace and Delete."}),
                          "InvalidTagsOperation");
}

}  // namespace lazuli::resources
