// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"
#include "services/directory/api.h"
#include "services/storage/api.h"

namespace lazuli::declared {

// Resource types whose own service is not there yet, as resources of Azure Resource Manager.
// Storage accounts are real: making one makes it in storage, and deleting one deletes its data.
std::unique_ptr<core::Service> make_declared(const core::Installation& installation,
                                             storage::Storage& storage,
                                             directory::Identities& identities);

}  // namespace lazuli::declared
