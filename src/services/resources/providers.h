// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/resources/handlers.h"

namespace lazuli::resources {

// The resource providers, as what all services declare adds up to:
// [{"id", "namespace", "registrationState", "resourceTypes": [{"resourceType", …}]}].
Json providers_json(const Parts& parts);

// Resource types that can be listed in a resource group: "Microsoft.X/things".
std::vector<std::string> listable_types(const std::vector<core::Manifest>& manifests);

}  // namespace lazuli::resources
