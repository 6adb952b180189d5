// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "codec/json.h"
#include "core/manifest.h"

namespace lazuli::server {

// Every declared route: service, method, host, path, query, operationId, permission, isDataAction,
// anonymous, implemented.
Json route_list(const std::vector<core::Manifest>& manifests);

}  // namespace lazuli::server
