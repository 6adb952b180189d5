// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"
#include "core/vault.h"
#include "services/directory/api.h"
#include "services/identity/api.h"

namespace lazuli::identity {

class IdentityService : public core::Service, public Identity {
 public:
  // Before start(), and so that other services may already ask in theirs: opens the keys on the
  // migrated database.
  virtual Result<void> open(db::Database::Handle handle, core::Vault& vault) = 0;
};

// The token service.
std::unique_ptr<IdentityService> make_identity(const core::Installation& installation,
                                               directory::Directory& directory);

}  // namespace lazuli::identity
