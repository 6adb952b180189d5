// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "core/manifest.h"
#include "services/directory/graph.h"

namespace lazuli::directory {

// All routes of Microsoft Graph that are there or known to be missing. `graph` is asked when a
// request comes: it need not be there yet.
void describe_graph(core::Manifest& manifest, std::function<const Graph&()> graph);

}  // namespace lazuli::directory
