// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "db/db.h"

namespace lazuli::db {

enum class Dialect { kSqlite, kPostgres };

// What one statement gave: the rows it returned and the number it changed.
struct Outcome {
  Rows rows;
  int64_t changed = 0;
};

// How far the failures since begin() reach.
enum class Damage {
  kNone,         // at most the statement, or the closure around it
  kTransaction,  // the transaction is gone: roll back, begin again, run its closures again
  kStore,        // the storage lost data it had accepted: write nothing more
};

// One connection to the database, used by one thread at a time. The drivers implement it; writer,
// readers and migrations are written against it once.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual Dialect dialect() const = 0;

  // begin() also re-establishes a lost connection; kUnavailable when that fails. A commit that
  // answers ok is durable. rollback() leaves the connection ready for begin(), whatever happened.
  virtual Result<void> begin() = 0;
  virtual Result<void> commit() = 0;
  virtual void rollback() = 0;

  // One level of nesting is all that group commit needs.
  virtual Result<void> savepoint() = 0;
  virtual Result<void> release_savepoint() = 0;
  virtual Result<void> rollback_to_savepoint() = 0;

  // One statement in the name of `owner`.
  virtual Result<Outcome> run(std::string_view owner, std::string_view sql, Params params) = 0;
  // Statements that change the schema, in the name of `owner`; types are the dialect's own.
  virtual Result<void> run_ddl(std::string_view owner, std::string_view heir_of,
                               const std::string& sql) = 0;

  virtual Damage damage() const = 0;
};

enum class Role { kWriter, kReader };
using Connector = std::function<Result<std::unique_ptr<Connection>>(Role)>;

// Refuses what an Executor does not execute: transaction control, schema changes, settings.
Result<void> check_statement(std::string_view sql);
// Refuses text that one of the databases would not keep as it is.
Result<void> check_params(Params params);

}  // namespace lazuli::db
