// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/resources/handlers.h"

namespace lazuli::resources {

// All routes of the service. `parts` must outlive them.
void describe_routes(core::Manifest& manifest, const Parts& parts);

// One route of this service.
using Function = Answer (*)(const Parts&, Context&);
struct RouteEntry {
  http::Method method;
  std::string path;
  std::string_view operation_id, operation;  // an empty operation: anonymous
  Function function;
  std::string_view summary;
};
core::Route& add_route(core::Manifest& manifest, const Parts& parts, const RouteEntry& entry);

// deployment_routes.cc
void describe_deployments(core::Manifest& manifest, const Parts& parts);

}  // namespace lazuli::resources
