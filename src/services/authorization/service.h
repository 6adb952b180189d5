// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"
#include "services/authorization/api.h"

namespace lazuli::authorization {

class AuthorizationService : public core::Service, public Authorization {
 public:
  // Before start(), and so that other services may already ask in theirs: loads roles and
  // assignments from the migrated database.
  virtual Result<void> open(db::Database::Handle handle) = 0;
};

// Role-based access control for every other service.
std::unique_ptr<AuthorizationService> make_authorization();

}  // namespace lazuli::authorization
