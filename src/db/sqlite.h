// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/connection.h"

struct sqlite3;

namespace lazuli::db {

// Connections to the file that `options.url` names ("sqlite:/path"), made when it is absent.
Connector sqlite_connector(const Options& options);

// What the statement being prepared or run may touch.
struct SqliteAuthority {
  enum class Mode { kInternal, kStatement, kSchema };
  Mode mode = Mode::kInternal;
  std::string owner;
  std::string heir_of;  // in kSchema: another owner whose tables may be touched as well
};

// Makes SQLite ask `authority`, as it stands at that time, about every access of every statement.
// It must outlive the connection.
void confine(sqlite3* connection, SqliteAuthority& authority);

}  // namespace lazuli::db
