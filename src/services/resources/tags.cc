// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources
#include "services/resources/tags.h"

#include "base/strings.h"
#include "core/tags.h"

namespace lazuli::resources {
namespace {

// The tag of that name, whatever its case.
std::string key_in(const Json& tags, std::string_view name) {
  for (const Json::Member& each : tags.members())
    if (iequals(each.key, name)) return each.key;
  return std::string(name);
}

}  // namespace

Result<Json> patched_tags(const Json& before, const Json& change, std::string_view operation) {
  if (iequals(operation, "Replace")) return core::checked_tags(change);
  Json tags = before.is_object() ? before : Json::object();
  if (iequals(operation, "Merge")) {
    for (const Json::Member& each : change.members()) tags.set(key_in(tags, each.key), each.value);
    return core::checked_tags(tags);
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
