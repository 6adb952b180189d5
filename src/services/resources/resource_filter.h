// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace lazuli::resources {

// The $filter of a list of resources: comparisons (eq, ne) of resourceType, name, location,
// resourceGroup, tagName, tagValue and identity/principalId, substringof('x', name) and
// startswith(tagName, 'x'), joined by `and` or by `or`.
class ResourceFilter {
 public:
  // kInvalidArgument "InvalidFilterInQueryString" names what is not understood.
  static Result<ResourceFilter> parse(std::string_view text);
  bool matches(const Json& resource) const;

 private:
  struct Test {
    enum class Kind { kEquals, kDiffers, kContains, kStarts } kind = Kind::kEquals;
    std::string field, value;
  };
  static Result<Test> parse_test(std::string_view text);
  bool holds(const Test& test, const Json& resource) const;
  bool holds_for_tags(const Json& tags) const;

  std::vector<Test> tests_;
  bool any_ = false;  // joined by `or`
};

}  // namespace lazuli::resources
