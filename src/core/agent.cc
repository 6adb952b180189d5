// SPDX-License-Identifier: Apache-2.0
#include "core/agent.h"

namespace lazuli::core {

Principal server_agent(const Principal& caller, Grant grant) {
  Verified verified;
  verified.tenant_id = caller.tenant_id();
  verified.name = caller.name();
  verified.grants = std::vector<Grant>{std::move(grant)};
  return Authenticator::seal(std::move(verified));
}

}  // namespace lazuli::core
