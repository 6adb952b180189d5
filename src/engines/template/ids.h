// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "engines/template/evaluate.h"

namespace lazuli::templates {

// "/subscriptions/{s}/resourceGroups/{g}" and its kin; empty for the tenant.
std::string subscription_scope(std::string_view subscription);
std::string group_scope(std::string_view subscription, std::string_view group);
std::string management_group_scope(std::string_view name);
// Where a deployment with these facts puts its resources.
std::string scope_of(const Facts& facts);

// {scope}/providers/{type and name interleaved}: ("A/b/c", "x/y") → "/providers/A/b/x/c/y".
// kInvalidArgument when the two do not match. Resource groups and management groups have ids of
// their own kind.
Result<std::string> resource_id(std::string_view scope, std::string_view type,
                                std::string_view name);

// The last type and the whole name in an id: "A/b/c" and "x/y". Empty for a malformed one.
struct TypeAndName {
  std::string type, name, scope;
};
TypeAndName type_and_name(std::string_view id);

}  // namespace lazuli::templates
