// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace lazuli::db {

struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

// One SQL value. Booleans are stored as integers 0 and 1, times as microseconds since 1970.
using Value = std::variant<std::monostate, int64_t, double, std::string, Blob>;

// One parameter of a statement. Text is UTF-8 without NUL; NaN is stored as null.
class Param {
 public:
  Param(std::nullptr_t) {}
  Param(bool value) : value_(int64_t{value}) {}
  template <typename T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  Param(T value) : value_(static_cast<int64_t>(value)) {}
  Param(double value) : value_(value) {}
  Param(std::string_view value) : value_(std::string(value)) {}
  Param(const std::string& value) : value_(value) {}
  Param(const char* value) : value_(std::string(value)) {}
  Param(Blob value) : value_(std::move(value)) {}
  template <typename T>
  Param(const std::optional<T>& value) {
    if (value) value_ = Param(*value).value_;
  }
  const Value& value() const { return value_; }

 private:
  Value value_;
};

// The parameters of one statement: a braced list, or a vector built at run time. A view, valid for
// the call's duration only.
class Params {
 public:
  Params(std::initializer_list<Param> items) : items_(items.begin(), items.size()) {}
  Params(const std::vector<Param>& items) : items_(items) {}
  size_t size() const { return items_.size(); }
  const Value& operator[](size_t index) const { return items_[index].value(); }

 private:
  std::span<const Param> items_;
};

// A result row: columns by position, in the order of the SELECT. Asking for another type converts
// numbers and text leniently; null gives zero, empty or nullopt.
class Row {
 public:
  explicit Row(std::vector<Value> values) : values_(std::move(values)) {}
  size_t size() const { return values_.size(); }
  bool is_null(size_t column) const;
  int64_t integer(size_t column) const;
  double number(size_t column) const;
  bool boolean(size_t column) const { return integer(column) != 0; }
  std::string text(size_t column) const;
  std::string blob(size_t column) const;
  std::optional<int64_t> optional_integer(size_t column) const;
  std::optional<std::string> optional_text(size_t column) const;

 private:
  std::vector<Value> values_;
};
using Rows = std::vector<Row>;

// Executes one SELECT, INSERT, UPDATE, DELETE, WITH or VALUES: parameters are `?`, the dialect is
// the common ground of SQLite and PostgreSQL (upserts by ON CONFLICT, RETURNING, no vendor
// functions). LIKE minds the case and has no escape character unless ESCAPE names one; text sorts
// by its bytes. Errors: kConflict with wire code "UniqueViolation" or "ForeignKeyViolation" for
// broken constraints, kInvalidArgument for text that is no text, kInternal otherwise. After an
// error the closure can only return: further statements give the same error, and the closure is
// rolled back. (To find out whether a row is there, INSERT … ON CONFLICT DO NOTHING and look at the
// rows changed.) Statements are prepared once per connection and SQL text: bind values, do not
// paste them.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual Result<Rows> query(std::string_view sql, Params params = {}) = 0;
  // Rows changed.
  virtual Result<int64_t> exec(std::string_view sql, Params params = {}) = 0;

  Result<std::optional<Row>> query_one(std::string_view sql, Params params = {});
  // The database's clock, which all its servers share.
  virtual Result<Timestamp> clock() = 0;
};

// Reads within one consistent snapshot.
class Reader : public Executor {};

// A write transaction in progress. `after_commit` runs once the transaction is durable, in order,
// on the writer's thread: keep it to waking others.
class Tx : public Executor {
 public:
  virtual void after_commit(std::function<void()> action) = 0;
};

// A numbered, forward-only schema change of one owner ("jobs", 3, "CREATE TABLE …"); numbers count
// from 1 without gaps, `sql` may hold several statements. DDL types: {id} integer primary key that
// counts up and never gives a number twice (leave it out of INSERTs, read it by RETURNING), {int}
// 64-bit integer, {real}, {text}, {blob}. Names of tables and indexes start with the owner's name
// and an underscore; foreign keys stay within the owner's tables and are not deferrable.
struct Migration {
  std::string owner;
  int number = 0;
  std::string sql;
  // Another owner, whose tables this change may read and drop: how data moves to a new owner.
  std::string heir_of = {};
};

struct Options {
  // "sqlite:/path/state.db" or a libpq connection string ("postgresql://…", "host=… dbname=…").
  std::string url;
  int readers = 4;  // connections for reading at most; opened when needed
  size_t waiting_writes_max = 4096;
  Duration wait_max = std::chrono::seconds(30);  // for a turn to write, or for a read connection
  // Name of a registered SQLite VFS; empty for the system's. Crash tests put theirs here.
  std::string sqlite_vfs;
  // A PostgreSQL server with fsync = off answers what a power cut takes away: refused, except by
  // tests.
  bool require_durable_server = true;
};

class Backend;

// The metadata database: one per server, shared by all services. Thread-safe.
//
// Writes are closures. One writer thread runs as many as are waiting, each in a savepoint, and
// answers all after one durable commit (group commit). A closure is short, re-runnable (it may run
// again after a serialization failure or a lost connection), does no I/O of its own, does not
// block, and must not call write() or read(): compose with functions that take the Tx.
class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const Options& options);
  ~Database();

  // Applies what is missing, all or nothing, owner by owner as they first appear in the list.
  // Refuses a database in which a listed owner's applied migrations are newer or differ.
  Result<void> migrate(std::span<const Migration> migrations);

  // A Handle confines an owner to its own tables (SQLite: an authorizer; PostgreSQL: checked by the
  // same tests). Cheap to copy; the Database must outlive it.
  class Handle;
  Handle handle(std::string owner);

  // Whether several servers may open it at once.
  bool is_shared() const { return shared_; }

  // Waits until every write accepted so far is durable and refuses new ones.
  void close();

 private:
  friend class Handle;
  Database(std::unique_ptr<Backend> backend, bool shared);
  Result<void> run_write(std::string_view owner, std::function<Result<void>(Tx&)> closure);
  Result<void> run_read(std::string_view owner, std::function<Result<void>(Reader&)> closure);
  std::unique_ptr<Backend> backend_;
  const bool shared_;
};

class Database::Handle {
 public:
  // Runs `closure(Tx&) -> Result<T>`, returns when it is durable. An error rolls this closure back,
  // none of its neighbours. kUnavailable when the queue is full, the database is closed or does not
  // answer, or its storage failed; kDeadlineExceeded after 30 s in the queue.
  template <typename F>
  auto write(F&& closure) const -> std::invoke_result_t<F&, Tx&> {
    return run<Tx, F>(&Database::run_write, closure);
  }
  // Runs `closure(Reader&) -> Result<T>` on a pooled read connection; it may run twice if the
  // connection is lost, and sees every write answered before.
  template <typename F>
  auto read(F&& closure) const -> std::invoke_result_t<F&, Reader&> {
    return run<Reader, F>(&Database::run_read, closure);
  }
  const std::string& owner() const { return owner_; }
  bool is_shared() const { return database_->is_shared(); }

  // Another owner's view of the same transaction: how one service's api.h joins a caller's write.
  // The returned object lives as long as `tx`.
  Tx& join(Tx& tx) const;

 private:
  friend class Database;
  Handle(Database& database, std::string owner) : database_(&database), owner_(std::move(owner)) {}

  template <typename Access, typename F, typename Run>
  auto run(Run run_closure, F& closure) const -> std::invoke_result_t<F&, Access&> {
    using R = std::invoke_result_t<F&, Access&>;
    std::optional<R> result;
    Result<void> outcome = (database_->*run_closure)(owner_, [&](Access& access) -> Result<void> {
      result.emplace(closure(access));
      if (!result->ok()) return result->error();
      return {};
    });
    if (!outcome.ok()) return Error(std::move(outcome).error());
    return std::move(*result);
  }

  Database* database_;
  std::string owner_;
};

}  // namespace lazuli::db
