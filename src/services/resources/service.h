// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"

namespace lazuli::resources {

// Azure Resource Manager's own resources: tenants, subscriptions, groups, providers, the cloud's
// metadata document, and the status of long-running operations.
std::unique_ptr<core::Service> make_resources(const core::Installation& installation);

}  // namespace lazuli::resources
