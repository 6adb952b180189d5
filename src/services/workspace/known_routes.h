// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/manifest.h"

namespace lazuli::workspace {

// Declares what Azure Machine Learning has besides what the services here serve, so that clients
// hear its name (501) instead of a 404 (azure-ai-ml's operation groups;
// Microsoft.MachineLearningServices in the ARM reference). A service that comes to serve one of
// them takes its lines away. `installation_scope` is checked where a path names no resource of
// ours.
void declare_known(core::Manifest& manifest, const core::ScopeOf& installation_scope);

}  // namespace lazuli::workspace
