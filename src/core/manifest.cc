// SPDX-License-Identifier: Apache-2.0
#include "core/manifest.h"

namespace lazuli::core {

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
