// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/groups.h"
#include "core/guard.h"
#include "core/service.h"
#include "engines/workflow/workflow.h"
#include "services/authorization/api.h"

namespace lazuli::resources {

// Azure Resource Manager's own resources: tenants, subscriptions, groups, providers, deployments,
// the cloud's metadata document, and the status of long-running operations. The workflow engine is
// started by another service, after this one.
class ResourcesService : public core::Service {
 public:
  // For the chain.
  virtual core::Guard& locks() = 0;
  // For every service that makes resources.
  virtual core::ResourceGroups& groups() = 0;
};
std::unique_ptr<ResourcesService> make_resources(const core::Installation& installation,
                                                 workflow::Engine& workflow,
                                                 authorization::Authorization& authorization);

}  // namespace lazuli::resources
