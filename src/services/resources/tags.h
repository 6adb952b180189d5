// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "codec/json.h"

namespace lazuli::resources {

// What PATCH tags/default makes of them: "Merge", "Replace" or "Delete".
Result<Json> patched_tags(const Json& before, const Json& change, std::string_view operation);

}  // namespace lazuli::resources
