// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/resources/handlers.h"

namespace lazuli::resources {

// The resources of a group, or of all groups of a subscription, as their own routes list them for
// this caller; types the caller may not read are left out.
Result<Json::Array> list_resources(const Parts& parts, const core::Principal& caller,
                                   const std::string& scope);

// What the audit calls Resource Manager when it looks at what is there itself.
inline constexpr std::string_view kSystem = "Azure Resource Manager";

// Whether the caller may delete all of these, and whether there is a way to.
Result<void> check_deletable(const Parts& parts, const core::Principal& caller,
                             const std::vector<std::string>& ids);

// Deletes resources through their routes, with the caller's rights; nothing, if one of them can't
// be. Those that others still need are tried again after these.
Result<void> delete_resources(const Parts& parts, const core::Principal& caller,
                              std::vector<std::string> ids, uint16_t port);

}  // namespace lazuli::resources
