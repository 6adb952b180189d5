// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "db/writer.h"

namespace lazuli::db {

// See Database::migrate.
Result<void> migrate(Writer& writer, std::span<const Migration> migrations);

// Replaces {id}, {int}, {real}, {text} and {blob} by the dialect's types.
std::string expand_types(std::string_view sql, Dialect dialect);

}  // namespace lazuli::db
