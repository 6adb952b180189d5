// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "core/manifest.h"
#include "services/directory/graph.h"

namespace lazuli::directory {

// Graph's /identity/identityProviders: who else may sign people in.
void describe_providers(core::Manifest& manifest, std::function<const Graph&()> graph);

}  // namespace lazuli::directory
