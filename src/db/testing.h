// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "db/db.h"

// For tests only: databases that are made for one test and gone after it, so that every test of a
// store runs on both drivers.
//
//   class JobStoreTest : public testing::TestWithParam<db::testing::Driver> {
//    protected:
//     db::testing::TestDatabase db{GetParam(), JobStore::migrations()};
//     db::Database::Handle handle = db.handle("jobs");
//   };
//   INSTANTIATE_TEST_SUITE_P(Drivers, JobStoreTest, db::testing::each_driver(),
//                            db::testing::driver_name);
//   TEST_P(JobStoreTest, …)
namespace lazuli::db::testing {

enum class Driver { kSqlite, kPostgres };

std::vector<Driver> all_drivers();
inline auto each_driver() { return ::testing::ValuesIn(all_drivers()); }
std::string driver_name(const ::testing::TestParamInfo<Driver>& info);
void PrintTo(Driver driver, std::ostream* out);

// An empty database, migrated. SQLite: a file in a temporary directory. PostgreSQL: a schema of the
// server that LAZULI_TEST_PG names; without the variable one is started for this process.
class TestDatabase {
 public:
  // `options` other than the URL are kept.
  explicit TestDatabase(Driver driver, std::vector<Migration> migrations = {},
                        Options options = {});
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  Database& operator*() { return *database_; }
  Database* operator->() { return database_.get(); }
  Database::Handle handle(std::string owner) { return database_->handle(std::move(owner)); }
  // What opens this database again.
  const Options& options() const { return options_; }

  // Closes the database and opens it anew: a restart. Handles made before are void.
  void reopen();

 private:
  void open();

  const Driver driver_;
  std::vector<Migration> migrations_;
  std::string place_;  // the directory, or the schema
  Options options_;
  std::unique_ptr<Database> database_;
};

}  // namespace lazuli::db::testing
