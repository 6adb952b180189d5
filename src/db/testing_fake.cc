// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "base/ids.h"
#include "base/strings.h"
#include "db/testing.h"

namespace lazuli::db::testing {

std::vector<Driver> all_drivers() { return {Driver::kSqlite}; }

std::string driver_name(const ::testing::TestParamInfo<Driver>& info) {
  return info.param == Driver::kSqlite ? "Sqlite" : "Postgres";
}

void PrintTo(Driver driver, std::ostream* out) {
  *out << (driver == Driver::kSqlite ? "SQLite" : "PostgreSQL");
}

TestDatabase::TestDatabase(Driver driver, std::vector<Migration> migrations)
    : driver_(driver), migrations_(std::move(migrations)) {
  place_ = std::filesystem::temp_directory_path() / cat({"lazuli-db-", random_name(12)});
  std::filesystem::create_directories(place_);
  options_.url = cat({"sqlite:", place_, "/state.db"});
  open();
}

TestDatabase::~TestDatabase() {
  database_.reset();
  std::filesystem::remove_all(place_);
}

void TestDatabase::reopen() {
  database_.reset();
  open();
}

void TestDatabase::open() {
  auto opened = Database::open(options_);
  if (!opened.ok()) {
    ADD_FAILURE() << opened.error().message;
    std::abort();
  }
  database_ = std::move(opened).value();
  auto migrated = database_->migrate(migrations_);
  if (!migrated.ok()) {
    ADD_FAILURE() << migrated.error().message;
    std::abort();
  }
}

}  // namespace lazuli::db::testing
