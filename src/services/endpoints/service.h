// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/auth.h"
#include "core/service.h"
#include "engines/inference/inference.h"
#include "services/assets/api.h"
#include "services/directory/api.h"
#include "services/identity/api.h"
#include "services/storage/api.h"
#include "services/workspace/api.h"

namespace lazuli::endpoints {

class EndpointsService : public core::Service {
 public:
  virtual core::Authenticator& key_authenticator() = 0;  // for the chain, after start()
};

// Managed online endpoints: deployments of ONNX models, scored in process.
std::unique_ptr<EndpointsService> make_endpoints(workspace::Workspaces& workspaces,
                                                 assets::Assets& assets, storage::Storage& storage,
                                                 identity::Identity& identity,
                                                 directory::Identities& identities,
                                                 inference::Engine& inference);

}  // namespace lazuli::endpoints
