// SPDX-License-Identifier: Apache-2.0
#include "core/tags.h"

#include "base/strings.h"

namespace lazuli::core {
namespace {

constexpr size_t kTagsMax = 50, kNameMax = 512, kValueMax = 256;

}  // namespace

Result<Json> checked_tags(const Json& tags) {
  if (tags.is_null()) return Json::object();
  if (!tags.is_object())
    return invalid_argument("The tags must be an object of strings.", "InvalidTags");
  if (tags.size() > kTagsMax)
    return invalid_argument("A resource has at most 50 tags.", "TooManyTags");
  Json checked = Json::object();
  for (const Json::Member& each : tags.members()) {
    if (each.key.empty() || each.key.size() > kNameMax ||
        each.key.find_first_of("<>%&\\?/") != each.key.npos)
      return invalid_argument(cat({"The tag name '", each.key.substr(0, 100), "' is not valid."}),
                              "InvalidTagNameCharacters");
    const Json value = each.value.is_null() ? Json("") : each.value;
    if (!value.is_string() || value.str().size() > kValueMax)
      return invalid_argument(cat({"The value of the tag '", each.key,
                                   "' must be a string of at most 256 characters."}),
                              "InvalidTagValueLength");
    checked.set(each.key, value);
  }
  return checked;
}

}  // namespace lazuli::core
