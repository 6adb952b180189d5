// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/operations.h"

namespace lazuli::core {

// Operations on the database, for the owner "core". Finished ones are kept for a week.
std::unique_ptr<Operations> make_operations(db::Database::Handle handle);
std::vector<db::Migration> operations_migrations();

}  // namespace lazuli::core
