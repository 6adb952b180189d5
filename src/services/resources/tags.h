// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "codec/json.h"

namespace lazuli::resources {

// Tags as a resource may have them: an object of at most 50 strings, names up to 512 and values up
// to 256 characters. Null counts as none. kInvalidArgument names the fault.
Result<Json> checked_tags(const Json& tags);

// What PATCH tags/default makes of them: "Merge", "Replace" or "Delete".
Result<Json> patched_tags(const Json& before, const Json& change, std::string_view operation);

}  // namespace lazuli::resources
