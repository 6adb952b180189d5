// SPDX-License-Identifier: Apache-2.0
#include <sqlite3.h>

#include "base/strings.h"
#include "db/sqlite.h"

// https://sqlite.org/c3ref/c_alter_table.html names the actions and their arguments.
namespace lazuli::db {
namespace {

bool belongs(std::string_view name, std::string_view owner) {
  return istarts_with(name, owner) && name.size() > owner.size() && name[owner.size()] == '_';
}

bool owned(const SqliteAuthority& authority, std::string_view name) {
  if (belongs(name, authority.owner)) return true;
  return authority.mode == SqliteAuthority::Mode::kSchema && !authority.heir_of.empty() &&
         belongs(name, authority.heir_of);
}

// Tables and indexes that SQLite keeps for itself: the schema, sequences, indexes of constraints.
bool builtin(std::string_view name) { return istarts_with(name, "sqlite_"); }

bool allows_statement(const SqliteAuthority& authority, int action, std::string_view name) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
    case SQLITE_FUNCTION:
      return true;
    case SQLITE_READ:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      return owned(authority, name);
    default:
      return false;
  }
}

bool allows_schema(const SqliteAuthority& authority, int action, std::string_view name,
                   std::string_view second) {
  switch (action) {
    case SQLITE_READ:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
    case SQLITE_CREATE_TABLE:
    case SQLITE_DROP_TABLE:
      return owned(authority, name) || builtin(name);
    case SQLITE_CREATE_INDEX:
    case SQLITE_DROP_INDEX:
      return (owned(authority, name) || builtin(name)) && owned(authority, second);
    case SQLITE_ALTER_TABLE:
      return owned(authority, second);
    case SQLITE_REINDEX:
      return true;
    case SQLITE_PRAGMA:
      return name == "quick_check";  // how ALTER TABLE … ADD COLUMN checks the rows there are
    default:
      return allows_statement(authority, action, name);
  }
}

int authorize(void* user, int action, const char* first, const char* second, const char*,
              const char*) {
  const auto& authority = *static_cast<const SqliteAuthority*>(user);
  const std::string_view name = first ? first : "", other = second ? second : "";
  bool allowed = false;
  switch (authority.mode) {
    case SqliteAuthority::Mode::kInternal:
      allowed = true;
      break;
    case SqliteAuthority::Mode::kStatement:
      allowed = allows_statement(authority, action, name);
      break;
    case SqliteAuthority::Mode::kSchema:
      allowed = allows_schema(authority, action, name, other);
      break;
  }
  return allowed ? SQLITE_OK : SQLITE_DENY;
}

}  // namespace

void confine(sqlite3* connection, SqliteAuthority& authority) {
  sqlite3_set_authorizer(connection, authorize, &authority);
}

}  // namespace lazuli::db
