// SPDX-License-Identifier: Apache-2.0
#include "core/manifest.h"

namespace lazuli::core {

Route& Manifest::add(RouteRow row, Handler handler) {
  Route route;
  route.method = row.method;
  route.path = std::move(row.path);
  route.operation = {std::move(row.operation)};
  route.summary = row.summary.empty() ? row.operation_id + "." : std::move(row.summary);
  route.operation_id = std::move(row.operation_id);
  route.handler = std::move(handler);
  return routes.emplace_back(std::move(route));
}

void Manifest::unimplemented(Host host, http::Method method, std::string path,
                             std::string operation_id, Operation operation, std::string query) {
  Route route;
  route.host = host;
  route.method = method;
  route.path = std::move(path);
  route.query = std::move(query);
  route.operation = std::move(operation);
  route.operation_id = std::move(operation_id);
  route.summary = "Known, not there yet.";
  if (host == Host::kBlob) {
    route.credentials = {Credential::kSharedKey, Credential::kSas, Credential::kStorageToken};
    route.errors = ErrorShape::kStorage;
  }
  routes.push_back(std::move(route));
}

}  // namespace lazuli::core
