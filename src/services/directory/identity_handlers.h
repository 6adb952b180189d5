// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "core/manifest.h"
#include "services/directory/graph.h"

namespace lazuli::directory {

// Microsoft.ManagedIdentity: user-assigned identities, their federated credentials, and the
// system-assigned identity of any resource. They stand here because an identity and its principal
// are one row.
void describe_identities(core::Manifest& manifest, std::function<const Graph&()> graph);

}  // namespace lazuli::directory
