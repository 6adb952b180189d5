// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/ids.h"
#include "base/strings.h"
#include "db/postgres.h"
#include "db/testing.h"

namespace lazuli::db::testing {
namespace {

namespace fs = std::filesystem;

// A server of this process's own, from tests/postgres.py. It ends when its standard input does, so
// also when this process is killed.
class OwnServer {
 public:
  OwnServer() {
    int in[2], out[2];
    CHECK(::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0);
    const fs::path script = fs::path(LAZULI_SOURCE_DIR) / "tests/postgres.py";
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      ::execlp("python3", "python3", script.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    keep_alive_ = in[1];
    for (char c; ::read(out[0], &c, 1) == 1 && c != '\n';) conninfo_ += c;
    ::close(out[0]);
  }
  ~OwnServer() {
    ::close(keep_alive_);
    ::waitpid(child_, nullptr, 0);
  }
  OwnServer(const OwnServer&) = delete;
  OwnServer& operator=(const OwnServer&) = delete;
  const std::string& conninfo() const { return conninfo_; }

 private:
  pid_t child_ = -1;
  int keep_alive_ = -1;
  std::string conninfo_;
};

// A keyword string, "host=… dbname=…", without search_path.
std::string server_conninfo() {
  if (const char* named = std::getenv("LAZULI_TEST_PG")) return named;
  static const OwnServer server;
  return server.conninfo();
}

std::string with_schema(const std::string& conninfo, const std::string& schema) {
  if (conninfo.find("://") == std::string::npos) {
    return cat({conninfo, " options='-c search_path=", schema, "'"});
  }
  const char* separator = conninfo.find('?') == std::string::npos ? "?" : "&";
  return cat({conninfo, separator, "options=-c%20search_path%3D", schema});
}

// Without a database there is nothing a test could go on with.
void require(const Result<void>& done) {
  if (done.ok()) return;
  std::fprintf(stderr, "no test database: %s\n", done.error().message.c_str());
  std::abort();
}

void run_on_server(const std::string& sql) {
  require([&]() -> Result<void> {
    auto connection = TRY(postgres_connector(
        {.url = server_conninfo(), .require_durable_server = false})(Role::kWriter));
    TRY(connection->begin());
    TRY(connection->run_ddl("", "", sql));
    return connection->commit();
  }());
}

}  // namespace

std::vector<Driver> all_drivers() { return {Driver::kSqlite, Driver::kPostgres}; }

std::string driver_name(const ::testing::TestParamInfo<Driver>& info) {
  return info.param == Driver::kSqlite ? "Sqlite" : "Postgres";
}

void PrintTo(Driver driver, std::ostream* out) {
  *out << (driver == Driver::kSqlite ? "SQLite" : "PostgreSQL");
}

TestDatabase::TestDatabase(Driver driver, std::vector<Migration> migrations, Options options)
    : driver_(driver), migrations_(std::move(migrations)), options_(std::move(options)) {
  place_ = cat({"lazuli_db_", random_name(12)});
  if (driver_ == Driver::kSqlite) {
    place_ = fs::temp_directory_path() / place_;
    fs::create_directories(place_);
    options_.url = cat({"sqlite:", place_, "/state.db"});
  } else {
    run_on_server(cat({"CREATE SCHEMA ", place_}));
    options_.url = with_schema(server_conninfo(), place_);
    options_.require_durable_server = false;
  }
  open();
}

TestDatabase::~TestDatabase() {
  database_.reset();
  if (driver_ == Driver::kSqlite) {
    fs::remove_all(place_);
  } else {
    run_on_server(cat({"DROP SCHEMA ", place_, " CASCADE"}));
  }
}

void TestDatabase::reopen() {
  database_.reset();
  open();
}

void TestDatabase::open() {
  require([&]() -> Result<void> {
    database_ = TRY(Database::open(options_));
    return database_->migrate(migrations_);
  }());
}

}  // namespace lazuli::db::testing
