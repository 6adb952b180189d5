// SPDX-License-Identifier: Apache-2.0
#include "db/migrate.h"

#include <gtest/gtest.h>

#include "db/testing.h"

namespace lazuli::db {
namespace {

class DbMigrateTest : public ::testing::TestWithParam<testing::Driver> {
 protected:
  Result<void> migrate(std::vector<Migration> migrations) { return db->migrate(migrations); }

  bool runs(const std::string& owner, const std::string& sql) {
    return db.handle(owner).read([&](Reader& reader) { return reader.query(sql); }).ok();
  }

  const Migration one{"shop", 1, "CREATE TABLE shop_items (id {id}, name {text})"};
  const Migration two{"shop", 2,
                      "ALTER TABLE shop_items ADD COLUMN stock {int} NOT NULL DEFAULT 7;"
                      "CREATE UNIQUE INDEX shop_items_by_name ON shop_items (name)"};
  testing::TestDatabase db{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Drivers, DbMigrateTest, testing::each_driver(), testing::driver_name);

TEST_P(DbMigrateTest, AppliesWhatIsMissingOnce) {
  ASSERT_TRUE(migrate({one}).ok());
  ASSERT_TRUE(
      db.handle("shop")
          .write([](Tx& tx) { return tx.exec("INSERT INTO shop_items (name) VALUES ('a')"); })
          .ok());
  for (int round = 0; round < 2; ++round) {
    auto done = migrate({two, one});
    ASSERT_TRUE(done.ok()) << done.error().message;
    auto stock = db.handle("shop").read(
        [](Reader& reader) { return reader.query("SELECT stock FROM shop_items"); });
    EXPECT_EQ(stock.value().at(0).integer(0), 7);
  }
}

TEST_P(DbMigrateTest, AppliesAllOrNothing) {
  auto done = migrate({one, {"bank", 1, "CREATE TABLE bank_accounts (id {id}, oops"}});
  ASSERT_FALSE(done.ok());
  EXPECT_NE(done.error().message.find("bank 1"), std::string::npos);
  EXPECT_FALSE(runs("shop", "SELECT * FROM shop_items"));
  EXPECT_TRUE(migrate({one}).ok());
  EXPECT_TRUE(runs("shop", "SELECT * FROM shop_items"));
}

TEST_P(DbMigrateTest, AnHeirTakesTablesOver) {
  ASSERT_TRUE(migrate({one}).ok());
  ASSERT_TRUE(
      db.handle("shop")
          .write([](Tx& tx) { return tx.exec("INSERT INTO shop_items (name) VALUES ('a')"); })
          .ok());
  const char* move =
      "CREATE TABLE bank_items (name {text}); INSERT INTO bank_items SELECT name FROM shop_items; "
      "DROP TABLE shop_items";
  auto done = migrate({one, {"bank", 1, move, "shop"}});
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_TRUE(runs("bank", "SELECT name FROM bank_items"));
  EXPECT_FALSE(runs("shop", "SELECT name FROM shop_items"));
}

TEST_P(DbMigrateTest, RefusesAnEditedMigration) {
  ASSERT_TRUE(migrate({one}).ok());
  Migration edited = one;
  edited.sql += " ";
  EXPECT_FALSE(migrate({edited}).ok());
}

TEST_P(DbMigrateTest, RefusesADatabaseThatIsNewer) {
  ASSERT_TRUE(migrate({one, two}).ok());
  auto done = migrate({one});
  ASSERT_FALSE(done.ok());
  EXPECT_NE(done.error().message.find("newer"), std::string::npos);
  EXPECT_TRUE(migrate({{"bank", 1, "CREATE TABLE bank_accounts (id {id})"}}).ok());
}

TEST_P(DbMigrateTest, RefusesGapsDuplicatesAndDeferredConstraints) {
  EXPECT_FALSE(migrate({two}).ok());
  EXPECT_FALSE(migrate({one, one}).ok());
  EXPECT_FALSE(
      migrate(
          {one, {"shop", 2, "CREATE TABLE shop_x (i {int} REFERENCES shop_items (id) DEFERRABLE)"}})
          .ok());
}

TEST_P(DbMigrateTest, ServersThatStartTogetherAgree) {
  std::vector<std::thread> servers;
  for (int i = 0; i < 3; ++i) {
    servers.emplace_back([&] {
      auto other = Database::open(db.options());
      ASSERT_TRUE(other.ok()) << other.error().message;
      auto done = (*other)->migrate(std::vector<Migration>{one, two});
      EXPECT_TRUE(done.ok()) << done.error().message;
    });
  }
  for (auto& server : servers) server.join();
  EXPECT_TRUE(runs("shop", "SELECT stock FROM shop_items"));
}

TEST(DbMigrateTypesTest, ExpandToEachDialect) {
  EXPECT_EQ(expand_types("a {int}, b {real}, c {blob}", Dialect::kSqlite),
            "a INTEGER, b REAL, c BLOB");
  EXPECT_EQ(expand_types("a {int}, b {real}, c {blob}", Dialect::kPostgres),
            "a BIGINT, b DOUBLE PRECISION, c BYTEA");
}

}  // namespace
}  // namespace lazuli::db
