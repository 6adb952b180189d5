// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"
#include "services/authorization/api.h"
#include "services/directory/api.h"

namespace lazuli::authorization {

class AuthorizationService : public core::Service, public Authorization {
 public:
  // Before start(), and so that other services may already ask in theirs: loads roles on the
  // migrated database, and makes the product's own at the first time.
  virtual Result<void> open(db::Database::Handle handle) = 0;
};

// Role-based access control for every other service. Without a directory (tests) principals are
// taken as they come and nobody is in a group.
std::unique_ptr<AuthorizationService> make_authorization(const core::Installation& installation,
                                                         directory::Directory* directory);

}  // namespace lazuli::authorization
