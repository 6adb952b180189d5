// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "db/testing.h"

namespace lazuli::db {
namespace {

class DbSqliteTest : public ::testing::Test {
 protected:
  testing::TestDatabase db{testing::Driver::kSqlite,
                           {{"shop", 1, "CREATE TABLE shop_items (id {id}, name {text})"},
                            {"shopping", 1, "CREATE TABLE shopping_lists (id {id}, name {text})"}}};

  bool allowed(const std::string& owner, std::string_view sql) {
    return db.handle(owner).write([&](Tx& tx) { return tx.query(sql); }).ok();
  }
};

TEST_F(DbSqliteTest, AnOwnerReachesItsOwnTablesAlone) {
  EXPECT_TRUE(allowed("shop", "INSERT INTO SHOP_ITEMS (name) VALUES ('a') RETURNING id"));
  for (std::string_view sql :
       {"SELECT * FROM shopping_lists", "INSERT INTO shopping_lists (name) VALUES ('a')",
        "UPDATE shopping_lists SET name = 'b'", "DELETE FROM shopping_lists",
        "SELECT COUNT(*) FROM shopping_lists",
        "INSERT INTO shop_items (name) SELECT name FROM shopping_lists",
        "WITH shop_x AS (SELECT name FROM shopping_lists) SELECT * FROM shop_x",
        "SELECT (SELECT MAX(id) FROM shopping_lists) FROM shop_items",
        "SELECT * FROM sqlite_schema", "SELECT * FROM db_migrations",
        "SELECT * FROM pragma_table_info('shop_items')", "DELETE FROM sqlite_sequence"}) {
    EXPECT_FALSE(allowed("shop", sql)) << sql;
  }
  EXPECT_TRUE(allowed("shopping", "SELECT * FROM shopping_lists"));
}

// Statements are kept prepared: one owner's must not serve another.
TEST_F(DbSqliteTest, RightsDoNotLeakThroughPreparedStatements) {
  const std::string sql = "SELECT name FROM shop_items";
  EXPECT_TRUE(allowed("shop", sql));
  EXPECT_FALSE(allowed("shopping", sql));
  EXPECT_TRUE(allowed("shop", sql));
}

TEST_F(DbSqliteTest, RightsHoldAfterAChangeOfSchema) {
  const std::string sql = "SELECT name FROM shop_items";
  EXPECT_TRUE(allowed("shop", sql));
  EXPECT_FALSE(allowed("shopping", sql));
  ASSERT_TRUE(
      db->migrate(std::vector<Migration>{{"bank", 1, "CREATE TABLE bank_x (id {id})"}}).ok());
  EXPECT_TRUE(allowed("shop", sql));
  EXPECT_FALSE(allowed("shopping", sql));
}

TEST_F(DbSqliteTest, AJoinedOwnerHasItsOwnRights) {
  auto done = db.handle("shop").write([&](Tx& tx) -> Result<void> {
    Tx& list = db.handle("shopping").join(tx);
    TRY(list.exec("INSERT INTO shopping_lists (name) VALUES ('a')"));
    EXPECT_EQ(&db.handle("shop").join(list), &tx);
    return TRY(list.query("SELECT * FROM shop_items")), success();
  });
  EXPECT_FALSE(done.ok());
}

TEST_F(DbSqliteTest, MigrationsStayWithinTheirOwner) {
  for (std::string sql :
       {"CREATE TABLE bank_accounts (id {id})", "DROP TABLE shop_items",
        "ALTER TABLE shop_items ADD COLUMN x {int}", "CREATE INDEX thief_x ON shop_items (name)",
        "CREATE INDEX shop_x ON shop_items (name)", "DELETE FROM shop_items",
        "CREATE TRIGGER thief_t AFTER INSERT ON shop_items BEGIN SELECT 1; END",
        "ATTACH 'x.db' AS x", "PRAGMA journal_mode = DELETE", "COMMIT"}) {
    EXPECT_FALSE(db->migrate(std::vector<Migration>{{"thief", 1, sql}}).ok()) << sql;
  }
  EXPECT_TRUE(allowed("shop", "SELECT name FROM shop_items"));
}

TEST_F(DbSqliteTest, OnlyTheUserMayReadTheFiles) {
  ASSERT_TRUE(allowed("shop", "INSERT INTO shop_items (name) VALUES ('a')"));
  const std::string path = db.options().url.substr(sizeof "sqlite:" - 1);
  for (const std::string& file : {path, path + "-wal"}) {
    struct stat status;
    ASSERT_EQ(::stat(file.c_str(), &status), 0) << file;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << file;
  }
}

TEST_F(DbSqliteTest, OpeningWhatIsNoDatabaseFails) {
  auto opened = Database::open({.url = "sqlite:/dev/null/state.db"});
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("/dev/null/state.db"), std::string::npos);
}

}  // namespace
}  // namespace lazuli::db
