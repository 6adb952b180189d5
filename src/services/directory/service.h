// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"
#include "core/vault.h"
#include "services/directory/api.h"

namespace lazuli::directory {

class DirectoryService : public core::Service, public DirectoryOfTests {
 public:
  // Before start(), and so that other services may already ask in theirs: on the migrated database.
  virtual Result<void> open(db::Database::Handle handle, core::Vault& vault,
                            core::Events& events) = 0;
};

// Users, groups, applications, service principals and managed identities.
std::unique_ptr<DirectoryService> make_directory(const core::Installation& installation);

}  // namespace lazuli::directory
