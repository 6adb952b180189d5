// SPDX-License-Identifier: Apache-2.0
#include <libpq-fe.h>
#include <poll.h>

#include <string>
#include <thread>
#include <unordered_map>

#include "base/log.h"
#include "base/strings.h"
#include "db/postgres.h"
#include "db/postgres_sql.h"
#include "db/postgres_value.h"

namespace lazuli::db {
namespace {

constexpr size_t kStatementsMax = 512;
constexpr const char* kSavepoint = "SAVEPOINT closure";
// The server gives up on a statement after 30 s; one that says nothing for longer is gone.
constexpr auto kAnswerTimeMax = std::chrono::seconds(40);
constexpr auto kSchemaTimeMax = std::chrono::hours(6);  // an index over a large table takes long
constexpr auto kResolveTimeMax = std::chrono::seconds(30);
constexpr auto kResolvePause = std::chrono::milliseconds(50);
// Any number, the same in every server that shares the database.
constexpr std::string_view kLockSchema =
    "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; "
    "SELECT pg_advisory_xact_lock(4972041193)";

// SQLSTATE, https://www.postgresql.org/docs/15/errcodes-appendix.html
constexpr std::string_view kUniqueViolation = "23505", kForeignKeyViolation = "23503",
                           kSerializationFailure = "40001", kDeadlock = "40P01",
                           kQueryCanceled = "57014", kLockNotAvailable = "55P03";
// Not every 0A000 is an outdated plan; the place that reports it is the same in every language.
constexpr std::string_view kPlanOutdated = "RevalidateCachedQuery";

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, Clear>;

struct Prepared {
  std::string name;
  size_t parameters = 0;
};

class PostgresConnection final : public Connection {
 public:
  PostgresConnection(const Options& options, Role role)
      : url_(options.url), role_(role), require_durable_server_(options.require_durable_server) {}
  Result<void> connect();

  Dialect dialect() const override { return Dialect::kPostgres; }
  Result<void> begin() override;
  Result<void> commit() override;
  void rollback() override;
  // These wait for the next statement, to travel with it: a group commit has two for each closure.
  Result<void> savepoint() override {
    waiting_.push_back(kSavepoint);
    return {};
  }
  Result<void> release_savepoint() override { return end_savepoint({"RELEASE closure"}); }
  Result<void> rollback_to_savepoint() override {
    return end_savepoint({"ROLLBACK TO closure", "RELEASE closure"});
  }
  Result<Outcome> run(std::string_view owner, std::string_view sql, Params params) override;
  Result<void> run_ddl(std::string_view owner, std::string_view heir_of,
                       const std::string& sql) override;
  Damage damage() const override { return damage_; }

 private:
  bool connected() const { return db_ && PQstatus(db_.get()) == CONNECTION_OK; }
  Result<void> configure();
  Answer receive(int sent, Duration time_max = kAnswerTimeMax);
  bool wait_for_answer(SteadyClock::time_point deadline);
  Result<void> end_savepoint(std::initializer_list<const char*> commands);
  std::vector<Answer> run_pipeline(const Prepared& statement, const char* text,
                                   const PostgresParams& params);
  std::vector<Answer> receive_pipeline(int sent);
  Result<void> command(const std::string& sql, Duration time_max = kAnswerTimeMax);
  Result<std::string> scalar(const std::string& sql);
  Result<void> resolve(const std::string& transaction_id);
  Result<std::string> ask_fate(const std::string& transaction_id);
  Error failure(const PGresult* result, std::string_view what);

  const std::string url_;
  const Role role_;
  const bool require_durable_server_;
  std::unique_ptr<PGconn, Finish> db_;
  std::unordered_map<std::string, Prepared> statements_;
  size_t statement_count_ = 0;
  std::vector<const char*> waiting_;  // commands that travel with the next statement
  Damage damage_ = Damage::kNone;
  bool schema_locked_ = false;
};

bool succeeded(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

Outcome outcome_of(const PGresult* result) {
  Outcome outcome;
  const int rows = PQntuples(result), columns = PQnfields(result);
  outcome.rows.reserve(static_cast<size_t>(rows));
  for (int row = 0; row < rows; ++row) {
    std::vector<Value> values(static_cast<size_t>(columns));
    for (int column = 0; column < columns; ++column) {
      if (PQgetisnull(result, row, column)) continue;
      const std::string_view text(PQgetvalue(result, row, column),
                                  static_cast<size_t>(PQgetlength(result, row, column)));
      values[static_cast<size_t>(column)] = postgres_value(text, PQftype(result, column));
    }
    outcome.rows.emplace_back(std::move(values));
  }
  const std::string_view verb = PQcmdStatus(const_cast<PGresult*>(result));
  if (!verb.starts_with("SELECT")) {
    outcome.changed = parse_int(PQcmdTuples(const_cast<PGresult*>(result))).value_or(0);
  }
  return outcome;
}

// What stands before the URL here yields to what the URL says.
Result<void> PostgresConnection::connect() {
  const char* keywords[] = {"connect_timeout",
                            "application_name",
                            "keepalives_idle",
                            "keepalives_interval",
                            "keepalives_count",
                            "tcp_user_timeout",
                            "dbname",
                            "client_encoding",
                            nullptr};
  const char* values[] = {"10", "lazuli", "30", "10", "3", "30000", url_.c_str(), "UTF8", nullptr};
  statements_.clear();
  db_.reset(PQconnectdbParams(keywords, values, /*expand_dbname=*/1));
  if (!connected()) return failure(nullptr, "connect to PostgreSQL");
  return configure();
}

Result<void> PostgresConnection::configure() {
  PQsetNoticeProcessor(db_.get(), [](void*, const char*) {}, nullptr);
  PQsetErrorVerbosity(db_.get(), PQERRORS_TERSE);  // the details would quote values
  TRY(
      command("SET statement_timeout = '30s'; SET lock_timeout = '10s'; "
              "SET idle_in_transaction_session_timeout = '60s'; SET bytea_output = hex; "
              "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
              "WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)"));
  if (require_durable_server_ && TRY(scalar("SHOW fsync")) != "on") {
    db_.reset();
    return invalid_argument(
        "PostgreSQL runs with fsync = off, so a power cut takes away what it has acknowledged. Set "
        "fsync = on in its postgresql.conf, restart it, and start again.");
  }
  // Servers that share the database write at the same time: serializable, so that what a closure
  // read still holds when it commits.
  return command(role_ == Role::kWriter ? "SET SESSION CHARACTERISTICS AS TRANSACTION "
                                          "ISOLATION LEVEL SERIALIZABLE, READ WRITE"
                                        : "SET SESSION CHARACTERISTICS AS TRANSACTION "
                                          "ISOLATION LEVEL REPEATABLE READ, READ ONLY");
}

Result<void> PostgresConnection::begin() {
  damage_ = Damage::kNone;
  schema_locked_ = false;
  waiting_.clear();
  if (connected() && statements_.size() > kStatementsMax) {
    (void)command("DEALLOCATE ALL");
    statements_.clear();
  }
  if (connected() && command("BEGIN").ok()) return {};
  TRY(connect());
  damage_ = Damage::kNone;
  return command("BEGIN");
}

// When the connection breaks while the commit is under way, the answer may be lost although the
// transaction was committed. Its id, asked for before, finds out: running it again would apply it
// twice.
Result<void> PostgresConnection::commit() {
  const Outcome asked = TRY(run({}, "SELECT pg_current_xact_id_if_assigned()::text", {}));
  const std::string transaction_id = asked.rows.at(0).text(0);
  Answer answer = receive(PQsendQuery(db_.get(), "COMMIT"));
  if (succeeded(answer.get())) {
    if (std::string_view(PQcmdStatus(answer.get())) == "COMMIT") return {};
    damage_ = Damage::kTransaction;
    return unavailable("PostgreSQL rolled the transaction back.");
  }
  Error error = failure(answer.get(), "COMMIT");
  if (connected() || transaction_id.empty()) return error;
  return resolve(transaction_id);
}

Result<void> PostgresConnection::resolve(const std::string& transaction_id) {
  const auto deadline = SteadyClock::now() + kResolveTimeMax;
  damage_ = Damage::kNone;
  while (SteadyClock::now() < deadline) {
    auto fate = ask_fate(transaction_id);
    damage_ = Damage::kNone;
    if (fate.ok() && *fate == "committed") return {};
    if (fate.ok() && *fate == "aborted") {
      damage_ = Damage::kTransaction;
      return unavailable("PostgreSQL lost the transaction.");
    }
    std::this_thread::sleep_for(kResolvePause);
  }
  log::error("db", "the outcome of a transaction is unknown", {{"transaction", transaction_id}});
  return unavailable("The database went away during the write; whether it was kept is unknown.");
}

Result<std::string> PostgresConnection::ask_fate(const std::string& transaction_id) {
  if (!connected()) TRY(connect());
  return scalar(cat({"SELECT pg_xact_status('", transaction_id, "'::xid8)"}));
}

void PostgresConnection::rollback() {
  waiting_.clear();
  if (connected() && PQtransactionStatus(db_.get()) != PQTRANS_IDLE) (void)command("ROLLBACK");
}

// A closure that did nothing needs no savepoint.
Result<void> PostgresConnection::end_savepoint(std::initializer_list<const char*> commands) {
  if (!waiting_.empty() && waiting_.back() == kSavepoint)
    waiting_.pop_back();
  else
    waiting_.insert(waiting_.end(), commands);
  return {};
}

// Owners are not told apart here: every store's tests run on SQLite too, whose authorizer does.
Result<Outcome> PostgresConnection::run(std::string_view, std::string_view sql, Params params) {
  auto known = statements_.find(std::string(sql));
  PostgresSql translated;
  Prepared statement;
  if (known != statements_.end()) {
    statement = known->second;
  } else {
    translated = to_postgres(sql);
    statement = {cat({"s", std::to_string(++statement_count_)}), translated.parameters};
  }
  if (statement.parameters != params.size()) {
    return internal_error(cat({"wrong number of parameters: ", sql}));
  }
  const bool is_new = known == statements_.end();
  const size_t before = waiting_.size() + (is_new ? 1 : 0);
  const std::vector<Answer> answers =
      run_pipeline(statement, is_new ? translated.text.c_str() : nullptr, PostgresParams(params));
  waiting_.clear();
  if (is_new && answers.size() >= before && succeeded(answers[before - 1].get()))
    statements_.emplace(sql, statement);
  for (const Answer& answer : answers) {
    if (!succeeded(answer.get())) return failure(answer.get(), sql);
  }
  if (answers.size() != before + 1) return failure(nullptr, sql);
  return outcome_of(answers.back().get());
}

// What waits, the statement's preparation where `text` is given, and the statement, in one round
// trip. After a failure the server skips the rest.
std::vector<Answer> PostgresConnection::run_pipeline(const Prepared& statement, const char* text,
                                                     const PostgresParams& params) {
  PGconn* db = db_.get();
  int sent = PQenterPipelineMode(db);
  for (const char* command : waiting_) {
    sent = sent & PQsendQueryParams(db, command, 0, nullptr, nullptr, nullptr, nullptr, 0);
  }
  if (text != nullptr) sent = sent & PQsendPrepare(db, statement.name.c_str(), text, 0, nullptr);
  sent = sent & PQsendQueryPrepared(db, statement.name.c_str(), params.size(), params.values(),
                                    params.lengths(), params.formats(), /*resultFormat=*/0);
  sent = sent & PQpipelineSync(db);
  return receive_pipeline(sent);
}

// The results in order, up to the pipeline's end; fewer when the connection is lost.
std::vector<Answer> PostgresConnection::receive_pipeline(int sent) {
  std::vector<Answer> answers;
  const auto deadline = SteadyClock::now() + kAnswerTimeMax;
  while (sent == 1 && connected()) {
    if (!wait_for_answer(deadline)) return answers;
    Answer next(PQgetResult(db_.get()));
    if (!next) continue;  // between two commands
    if (PQresultStatus(next.get()) == PGRES_PIPELINE_SYNC) break;
    answers.push_back(std::move(next));
  }
  if (connected()) PQexitPipelineMode(db_.get());
  return answers;
}

// Servers that start at the same time change the schema one after the other, each seeing what the
// one before did.
Result<void> PostgresConnection::run_ddl(std::string_view, std::string_view,
                                         const std::string& sql) {
  if (!schema_locked_) {
    TRY(command("SET TRANSACTION ISOLATION LEVEL READ COMMITTED"));
    TRY(command(std::string(kLockSchema), kSchemaTimeMax));
    schema_locked_ = true;
  }
  return command(sql, kSchemaTimeMax);
}

// The last result of what was sent; null when the connection is lost.
Answer PostgresConnection::receive(int sent, Duration time_max) {
  Answer last;
  const auto deadline = SteadyClock::now() + time_max;
  while (sent == 1) {
    if (!wait_for_answer(deadline)) return nullptr;
    Answer next(PQgetResult(db_.get()));
    if (!next) break;
    last = std::move(next);
  }
  return last;
}

bool PostgresConnection::wait_for_answer(SteadyClock::time_point deadline) {
  while (PQisBusy(db_.get()) == 1) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
    pollfd socket{PQsocket(db_.get()), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&socket, 1, static_cast<int>(left.count())) == 0) {
      db_.reset();
      return false;
    }
    if (PQconsumeInput(db_.get()) == 0) return false;
  }
  return true;
}

Result<void> PostgresConnection::command(const std::string& sql, Duration time_max) {
  Answer answer = receive(PQsendQuery(db_.get(), sql.c_str()), time_max);
  if (!succeeded(answer.get())) return failure(answer.get(), sql);
  return {};
}

// The one value of a query; empty for null.
Result<std::string> PostgresConnection::scalar(const std::string& sql) {
  Answer answer = receive(PQsendQuery(db_.get(), sql.c_str()));
  if (!succeeded(answer.get())) return failure(answer.get(), sql);
  CHECK(PQntuples(answer.get()) == 1 && PQnfields(answer.get()) == 1);
  return std::string(PQgetvalue(answer.get(), 0, 0));
}

// The error of the call that just failed, and how far it reaches.
Error PostgresConnection::failure(const PGresult* result, std::string_view what) {
  const char* field = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  const std::string_view state = field ? field : "";
  const char* said = "PostgreSQL does not answer";
  if (db_) said = result ? PQresultErrorMessage(result) : PQerrorMessage(db_.get());
  const std::string text = cat({trim(said), " (", what, ")"});
  if (state == kUniqueViolation) return conflict(text, "UniqueViolation");
  if (state == kForeignKeyViolation) return conflict(text, "ForeignKeyViolation");
  if (!connected() || state == kSerializationFailure || state == kDeadlock) {
    damage_ = Damage::kTransaction;
    return unavailable(text);
  }
  const char* place = result ? PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION) : nullptr;
  if (place && place == kPlanOutdated) {  // another server changed the schema: prepare anew
    damage_ = Damage::kTransaction;
    db_.reset();
    return unavailable(text);
  }
  // Class 53: out of disk, memory or connections.
  if (state == kQueryCanceled || state == kLockNotAvailable || state.starts_with("53")) {
    return unavailable(text);
  }
  return internal_error(text);
}

}  // namespace

Connector postgres_connector(const Options& options) {
  return [options](Role role) -> Result<std::unique_ptr<Connection>> {
    auto connection = std::make_unique<PostgresConnection>(options, role);
    TRY(connection->connect());
    return std::unique_ptr<Connection>(std::move(connection));
  };
}

}  // namespace lazuli::db
