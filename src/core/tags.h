// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "codec/json.h"

namespace lazuli::core {

// The tags of a resource as Azure Resource Manager takes them: at most 50 names of up to 512
// characters with texts of up to 256. Null is none, and a tag without a value is an empty one.
// kInvalidArgument names the rule that is broken.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources
Result<Json> checked_tags(const Json& tags);

}  // namespace lazuli::core
