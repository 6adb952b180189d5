// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/authorization/api.h"
#include "services/authorization/handlers.h"

namespace lazuli::authorization {

// A decision with its reasons.
Result<Explanation> explain(Parts& parts, const std::string& object_id,
                            const core::Operation& operation, const std::string& scope);

}  // namespace lazuli::authorization
