// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "base/strings.h"
#include "db/sqlite.h"
#include "db/statement_cache.h"

namespace lazuli::db {
namespace {

constexpr std::string_view kScheme = "sqlite:";
// The first release without the defect that could corrupt a database when two connections wrote and
// checkpointed its log at once (https://sqlite.org/releaselog/3_51_3.html).
constexpr int kVersionMin = 3051003;
constexpr int kBusyTimeoutMs = 10'000;
constexpr size_t kStatementsMax = 512;
constexpr auto kStatementTimeMax = std::chrono::seconds(30);
constexpr auto kSchemaTimeMax = std::chrono::hours(6);  // an index over a large table takes long
constexpr int kStepsBetweenClockChecks = 20'000;

struct Close {
  void operator()(sqlite3* connection) const { sqlite3_close(connection); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

class SqliteConnection final : public Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const std::string& path, const std::string& vfs,
                                                  Role role);

  Dialect dialect() const override { return Dialect::kSqlite; }
  Result<void> begin() override;
  Result<void> commit() override { return command("COMMIT"); }
  void rollback() override;
  Result<void> savepoint() override { return command("SAVEPOINT closure"); }
  Result<void> release_savepoint() override { return command("RELEASE closure"); }
  Result<void> rollback_to_savepoint() override;
  Result<Outcome> run(std::string_view owner, std::string_view sql, Params params) override;
  Result<void> run_ddl(std::string_view owner, std::string_view heir_of,
                       const std::string& sql) override;
  Damage damage() const override { return damage_; }

 private:
  explicit SqliteConnection(Role role) : role_(role) {}
  Result<void> connect(const std::string& path, const std::string& vfs);
  Result<void> configure();
  Result<void> command(std::string_view sql);
  Result<Outcome> execute(std::string_view sql, Params params);
  Result<sqlite3_stmt*> prepared(std::string_view sql);
  Result<void> bind(sqlite3_stmt* statement, Params params);
  Result<Outcome> step_all(sqlite3_stmt* statement);
  Error failure(std::string_view what);
  void start_clock(Duration time_max) { deadline_ = SteadyClock::now() + time_max; }
  Error storage_failure(const std::string& text);
  static int out_of_time(void* self);

  const Role role_;
  SqliteAuthority authority_;
  Damage damage_ = Damage::kNone;
  bool in_transaction_ = false;
  SteadyClock::time_point deadline_;
  // Statements are finalized before their connection is closed.
  std::unique_ptr<sqlite3, Close> db_;
  StatementCache<Statement> statements_{kStatementsMax};
};

// Gives a connection its owner's rights for the time of a call.
class As {
 public:
  As(SqliteAuthority& authority, SqliteAuthority::Mode mode, std::string_view owner)
      : authority_(authority) {
    authority_.mode = mode;
    authority_.owner = owner;
  }
  ~As() { authority_ = {}; }

 private:
  SqliteAuthority& authority_;
};

Value column_value(sqlite3_stmt* statement, int column) {
  auto bytes = [&](const void* data) {
    const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, column));
    return size == 0 ? std::string() : std::string(static_cast<const char*>(data), size);
  };
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT:
      return bytes(sqlite3_column_text(statement, column));
    case SQLITE_BLOB:
      return Blob{bytes(sqlite3_column_blob(statement, column))};
    default:
      return std::monostate();
  }
}

int bind_value(sqlite3_stmt* statement, int index, const Value& value) {
  struct Binder {
    sqlite3_stmt* statement;
    int index;
    int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }
    int operator()(int64_t value) const { return sqlite3_bind_int64(statement, index, value); }
    int operator()(double value) const { return sqlite3_bind_double(statement, index, value); }
    int operator()(const std::string& text) const {
      return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_STATIC,
                                 SQLITE_UTF8);
    }
    int operator()(const Blob& blob) const {
      return sqlite3_bind_blob64(statement, index, blob.bytes.data(), blob.bytes.size(),
                                 SQLITE_STATIC);
    }
  };
  return std::visit(Binder{statement, index}, value);
}

Result<std::unique_ptr<Connection>> SqliteConnection::open(const std::string& path,
                                                           const std::string& vfs, Role role) {
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(role));
  auto done = connection->connect(path, vfs);
  if (done.ok()) done = connection->configure();
  if (!done.ok()) return with_context(cat({"database ", path}), done.error());
  return std::unique_ptr<Connection>(std::move(connection));
}

Result<void> SqliteConnection::connect(const std::string& path, const std::string& vfs) {
  if (sqlite3_libversion_number() < kVersionMin) {
    return internal_error(cat({"SQLite ", sqlite3_libversion(), " is too old"}));
  }
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (role_ == Role::kWriter ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, vfs.empty() ? nullptr : vfs.c_str());
  db_.reset(raw);
  if (code != SQLITE_OK) return failure("open");
  return {};
}

Result<void> SqliteConnection::configure() {
  sqlite3_busy_timeout(db_.get(), kBusyTimeoutMs);
  sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  confine(db_.get(), authority_);
  sqlite3_progress_handler(db_.get(), kStepsBetweenClockChecks, &out_of_time, this);
  for (std::string_view pragma :
       {"PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON", "PRAGMA case_sensitive_like = ON",
        "PRAGMA journal_size_limit = 67108864", "PRAGMA wal_autocheckpoint = 4000",
        role_ == Role::kWriter ? "PRAGMA cache_size = -16000" : "PRAGMA cache_size = -4000"}) {
    TRY(command(pragma));
  }
  if (role_ == Role::kReader) return command("PRAGMA query_only = ON");
  Rows mode = TRY(execute("PRAGMA journal_mode = WAL", {})).rows;
  if (mode.size() != 1 || mode[0].text(0) != "wal") {
    return internal_error("the file system does not support write-ahead logging");
  }
  return {};
}

Result<void> SqliteConnection::begin() {
  damage_ = Damage::kNone;
  TRY(command(role_ == Role::kWriter ? "BEGIN IMMEDIATE" : "BEGIN"));
  in_transaction_ = true;
  return {};
}

void SqliteConnection::rollback() {
  in_transaction_ = false;
  if (sqlite3_get_autocommit(db_.get()) == 0) (void)command("ROLLBACK");
}

Result<void> SqliteConnection::rollback_to_savepoint() {
  TRY(command("ROLLBACK TO closure"));
  return command("RELEASE closure");
}

Result<Outcome> SqliteConnection::run(std::string_view owner, std::string_view sql, Params params) {
  As rights(authority_, SqliteAuthority::Mode::kStatement, owner);
  return execute(sql, params);
}

Result<void> SqliteConnection::run_ddl(std::string_view owner, std::string_view heir_of,
                                       const std::string& sql) {
  As rights(authority_, SqliteAuthority::Mode::kSchema, owner);
  authority_.heir_of = heir_of;
  start_clock(kSchemaTimeMax);
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return failure("schema");
  }
  return {};
}

Result<void> SqliteConnection::command(std::string_view sql) {
  TRY(execute(sql, {}));
  return {};
}

Result<Outcome> SqliteConnection::execute(std::string_view sql, Params params) {
  struct Reset {
    sqlite3_stmt* statement;
    ~Reset() {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    }
  };
  start_clock(kStatementTimeMax);
  sqlite3_stmt* statement = TRY(prepared(sql));
  Reset reset{statement};
  TRY(bind(statement, params));
  return step_all(statement);
}

// Rights are checked when a statement is prepared, so each owner has its own.
Result<sqlite3_stmt*> SqliteConnection::prepared(std::string_view sql) {
  const std::string key = cat({authority_.owner, "\n", sql});
  if (Statement* known = statements_.find(key)) return known->get();
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, &rest);
  Statement statement(raw);
  if (code != SQLITE_OK) return failure(sql);
  const std::string_view left(rest, static_cast<size_t>(sql.data() + sql.size() - rest));
  if (!statement || !trim(left).empty()) {
    return internal_error(cat({"not exactly one statement: ", sql}));
  }
  return statements_.put(key, std::move(statement)).get();
}

Result<void> SqliteConnection::bind(sqlite3_stmt* statement, Params params) {
  if (sqlite3_bind_parameter_count(statement) != static_cast<int>(params.size())) {
    return internal_error(cat({"wrong number of parameters: ", sqlite3_sql(statement)}));
  }
  for (size_t i = 0; i < params.size(); ++i) {
    if (bind_value(statement, static_cast<int>(i) + 1, params[i]) != SQLITE_OK) {
      return failure(sqlite3_sql(statement));
    }
  }
  return {};
}

Result<Outcome> SqliteConnection::step_all(sqlite3_stmt* statement) {
  Outcome outcome;
  const int columns = sqlite3_column_count(statement);
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    std::vector<Value> values;
    values.reserve(static_cast<size_t>(columns));
    for (int i = 0; i < columns; ++i) values.push_back(column_value(statement, i));
    outcome.rows.emplace_back(std::move(values));
  }
  if (code != SQLITE_DONE) return failure(sqlite3_sql(statement));
  if (sqlite3_stmt_readonly(statement) == 0) outcome.changed = sqlite3_changes64(db_.get());
  return outcome;
}

// The error of the call that just failed, and how far it reaches.
Error SqliteConnection::failure(std::string_view what) {
  const int code = sqlite3_extended_errcode(db_.get());
  const std::string text = cat({sqlite3_errmsg(db_.get()), " (", what, ")"});
  const bool undone = in_transaction_ && sqlite3_get_autocommit(db_.get()) != 0;
  if (undone) damage_ = Damage::kTransaction;
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return conflict(text, "UniqueViolation");
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return conflict(text, "ForeignKeyViolation");
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_TRUNCATE:
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
      return storage_failure(text);
    case SQLITE_FULL:
      damage_ = Damage::kTransaction;
      return unavailable(text);
    default:
      break;
  }
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return storage_failure(text);
    case SQLITE_IOERR:
      damage_ = Damage::kTransaction;
      return unavailable(text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return unavailable(text);
    default:
      return internal_error(text);
  }
}

Error SqliteConnection::storage_failure(const std::string& text) {
  damage_ = Damage::kStore;
  log::error("db", "the storage failed", {{"error", text}});
  return unavailable(text);
}

int SqliteConnection::out_of_time(void* self) {
  return SteadyClock::now() > static_cast<SqliteConnection*>(self)->deadline_ ? 1 : 0;
}

// The metadata database is for its user's eyes only; its log gets the same mode.
Result<void> create_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return errno_error(cat({"open ", path}), errno);
  ::close(file);
  return {};
}

}  // namespace

Connector sqlite_connector(const Options& options) {
  std::string path = options.url.substr(kScheme.size());
  return [path = std::move(path),
          vfs = options.sqlite_vfs](Role role) -> Result<std::unique_ptr<Connection>> {
    if (role == Role::kWriter && vfs.empty()) TRY(create_private_file(path));
    return SqliteConnection::open(path, vfs, role);
  };
}

}  // namespace lazuli::db
