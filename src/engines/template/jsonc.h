// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "codec/json.h"

namespace lazuli::templates {

// Parses JSON as Azure Resource Manager takes it: with comments, bare names, line breaks within
// strings and commas before a closing bracket. `az` sends templates so, to keep them as written.
Result<Json> parse_jsonc(std::string_view text);

}  // namespace lazuli::templates
