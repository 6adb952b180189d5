// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/resources/deployment_input.h"

namespace lazuli::resources {

// What a deployment would change: {"status", "properties": {"changes": […]}}. Looks at each
// resource with the caller's rights; creates nothing.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/deploy-what-if
Result<Json> what_if(const Parts& parts, const core::Principal& caller, const Order& order,
                     bool ids_only);

// The differences of what is to what is wanted, where something is wanted: [{"path",
// "propertyChangeType", "before", "after", "children"}].
Json differences(const Json& before, const Json& after);

}  // namespace lazuli::resources
