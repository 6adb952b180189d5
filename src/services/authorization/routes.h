// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/authorization/handlers.h"

namespace lazuli::authorization {

// All routes of the service; handlers work on `parts`, which outlives them.
void describe_routes(core::Manifest& manifest, Parts& parts);

}  // namespace lazuli::authorization
