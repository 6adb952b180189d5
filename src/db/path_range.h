// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/db.h"

namespace lazuli::db {

// Of a column that holds paths ("/a/b"): a condition for what is at a path or below it, and its
// parameters. "/a/b/" up to "/a/b0", since '0' follows '/'.
std::string at_or_below(std::string_view column);
std::vector<Param> path_range(const std::string& path);

// Deletes it; rows deleted.
Result<int64_t> erase_at_or_below(Executor& db, std::string_view table, std::string_view column,
                                  const std::string& path);

}  // namespace lazuli::db
