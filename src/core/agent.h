// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/auth.h"

namespace lazuli::core {

// The server itself, doing for `caller` what another right of theirs has been asked for already
// (who may set tags need not be able to write the resource): may do what `grant` says and nothing
// else.
Principal server_agent(const Principal& caller, Grant grant);

}  // namespace lazuli::core
