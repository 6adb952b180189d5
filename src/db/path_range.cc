// SPDX-License-Identifier: Apache-2.0
#include "db/path_range.h"

#include "base/strings.h"

namespace lazuli::db {

std::string at_or_below(std::string_view column) {
  return cat({"(", column, " = ? OR (", column, " >= ? AND ", column, " < ?))"});
}

std::vector<Param> path_range(const std::string& path) { return {path, path + "/", path + "0"}; }

Result<int64_t> erase_at_or_below(Executor& db, std::string_view table, std::string_view column,
                                  const std::string& path) {
  return db.exec(cat({"DELETE FROM ", table, " WHERE ", at_or_below(column)}), path_range(path));
}

}  // namespace lazuli::db
