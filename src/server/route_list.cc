// SPDX-License-Identifier: Apache-2.0
#include "server/route_list.h"

namespace lazuli::server {
namespace {

std::string_view host_name(core::Host host) {
  switch (host) {
    case core::Host::kManagement:
      return "management";
    case core::Host::kLogin:
      return "login";
    case core::Host::kGraph:
      return "graph";
    case core::Host::kApi:
      return "api";
    case core::Host::kBlob:
      return "blob";
    case core::Host::kInference:
      return "inference";
    case core::Host::kPlain:
      return "plain";
  }
  return "";
}

Json route_json(const std::string& service, const core::Route& route) {
  return Json::object({{"service", service},
                       {"method", http::to_string(route.method)},
                       {"host", host_name(route.host)},
                       {"path", route.path},
                       {"query", route.query},
                       {"operationId", route.operation_id},
                       {"permission", route.operation.name},
                       {"isDataAction", route.operation.is_data_action},
                       {"anonymous", route.anonymous},
                       {"anyCaller", route.any_caller},
                       {"implemented", static_cast<bool>(route.handler)}});
}

}  // namespace

Json route_list(const std::vector<core::Manifest>& manifests) {
  Json all = Json::array();
  for (const core::Manifest& manifest : manifests)
    for (const core::Route& route : manifest.routes)
      all.push_back(route_json(manifest.service, route));
  return all;
}

}  // namespace lazuli::server
