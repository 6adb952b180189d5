// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "services/directory/api.h"
#include "services/directory/changes.h"

namespace lazuli::directory {

// The directory's view of a transaction in which a resource is written. Borrows everything.
struct IdentityWrite {
  db::Tx& tx;
  Changes& changes;
  const std::string& tenant_id;
};

// As Directory says.
Result<Json> assign_identity(const IdentityWrite& write, const std::string& resource_id,
                             const WantedIdentity& wanted);

}  // namespace lazuli::directory
