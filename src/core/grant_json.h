// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "codec/json.h"
#include "core/principal.h"

namespace lazuli::core {

// Grants as they are kept in sealed texts and signed tokens: [{"operations": […], "scope": …}].
Json to_json(const std::vector<Grant>& grants);
std::vector<Grant> grants_from_json(const Json& json);

}  // namespace lazuli::core
