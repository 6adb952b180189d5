// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lazuli::authorization {

inline constexpr std::string_view kGroupPrefix =
    "/providers/microsoft.management/managementgroups/";

// The form in which scopes are compared: lower case, no final slash, "" for the tenant.
std::string scope_key(std::string_view scope);

// A scope somebody asks to write something on: begins with a slash, no empty or dotted segments.
Result<std::string> checked_scope(std::string_view scope);

// Whether the scope of key `ancestor` is `key` or above it, by segments; management groups aside.
bool key_covers(std::string_view ancestor, std::string_view key);

// "s" of "/subscriptions/s/…", in any case; empty for others.
std::string_view subscription_of(std::string_view scope);
// "g" of "/providers/Microsoft.Management/managementGroups/g" and below; empty for others.
std::string_view group_of(std::string_view key);

// "/subscriptions/s/providers/Microsoft.Authorization/{kind}/{id}" as seen from a scope: what
// belongs to no subscription stands at the tenant.
std::string id_seen_from(std::string_view scope, std::string_view kind, std::string_view id);

}  // namespace lazuli::authorization
