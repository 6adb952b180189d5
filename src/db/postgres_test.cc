// SPDX-License-Identifier: Apache-2.0
#include "db/postgres.h"

#include <gtest/gtest.h>

#include <thread>

#include "db/postgres_sql.h"
#include "db/testing.h"

namespace lazuli::db {
namespace {

TEST(DbPostgresSqlTest, NumbersParametersOutsideOfQuotesAndComments) {
  EXPECT_EQ(to_postgres("SELECT '?''?', \"?\", ? -- ?\n, ? /* ? */, ?").text,
            "SELECT '?''?', \"?\", $1 -- ?\n, $2 /* ? */, $3");
  EXPECT_EQ(to_postgres("a = ?").parameters, 1u);
  EXPECT_EQ(to_postgres("? IS NULL OR ? is not null OR ? = 1").text,
            "$1::text IS NULL OR $2::text is not null OR $3 = 1");
  EXPECT_EQ(to_postgres("'open ?").text, "'open ?");
  EXPECT_EQ(to_postgres("").text, "");
}

class DbPostgresTest : public ::testing::Test {
 protected:
  testing::TestDatabase db{testing::Driver::kPostgres,
                           {{"shop", 1, "CREATE TABLE shop_items (id {id}, name {text} UNIQUE)"}}};
  Database::Handle shop = db.handle("shop");

  // Breaks the connection of whoever runs the closure this is called in.
  Result<void> kill_session(Executor& session) {
    Rows rows = TRY(session.query("SELECT pg_backend_pid()"));
    auto killer = TRY(postgres_connector(db.options())(Role::kWriter));
    TRY(killer->begin());
    TRY(killer->run("", "SELECT pg_terminate_backend(?::int, 5000)", {rows.at(0).integer(0)}));
    return killer->commit();
  }

  int64_t count() {
    return shop.read([](Reader& reader) { return reader.query("SELECT COUNT(*) FROM shop_items"); })
        .value()
        .at(0)
        .integer(0);
  }
};

TEST_F(DbPostgresTest, RunsAClosureAgainWhenItsConnectionIsLost) {
  int runs = 0;
  auto done = shop.write([&](Tx& tx) -> Result<void> {
    TRY(tx.exec("INSERT INTO shop_items (name) VALUES ('tea')"));
    if (++runs == 1) TRY(kill_session(tx));
    TRY(tx.exec("INSERT INTO shop_items (name) VALUES ('milk')"));
    return {};
  });
  EXPECT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(count(), 2);
}

TEST_F(DbPostgresTest, RunsAReadAgainWhenItsConnectionIsLost) {
  int runs = 0;
  auto done = shop.read([&](Reader& reader) -> Result<void> {
    if (++runs == 1) TRY(kill_session(reader));
    TRY(reader.query("SELECT 1"));
    return {};
  });
  EXPECT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(runs, 2);
}

TEST_F(DbPostgresTest, SurvivesAConnectionThatBrokeWhileIdle) {
  ASSERT_TRUE(shop.write([&](Tx& tx) { return tx.query("SELECT 1"); }).ok());
  int64_t pid = 0;
  ASSERT_TRUE(shop.write([&](Tx& tx) -> Result<void> {
                    pid = TRY(tx.query("SELECT pg_backend_pid()")).at(0).integer(0);
                    return {};
                  })
                  .ok());
  ASSERT_TRUE(shop.read([&](Reader& reader) {
                    return reader.query("SELECT pg_terminate_backend(?::int, 5000)", {pid});
                  })
                  .ok());
  auto done =
      shop.write([](Tx& tx) { return tx.exec("INSERT INTO shop_items (name) VALUES ('tea')"); });
  EXPECT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(count(), 1);
}

TEST_F(DbPostgresTest, ACommitThatCannotBeSentIsRunAgain) {
  int runs = 0;
  auto done = shop.write([&](Tx& tx) -> Result<void> {
    TRY(tx.exec("INSERT INTO shop_items (name) VALUES ('tea')"));
    if (++runs == 1) return kill_session(tx);
    return {};
  });
  EXPECT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(count(), 1);
}

TEST_F(DbPostgresTest, SaysThatTheServerIsAway) {
  auto opened = Database::open({.url = "host=/nowhere dbname=x"});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::kUnavailable);
}

// The tests' own server has it off.
TEST_F(DbPostgresTest, RefusesAServerThatDoesNotSync) {
  Options options = db.options();
  options.require_durable_server = true;
  auto opened = Database::open(options);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("fsync = off"), std::string::npos);
}

// Closures of one group that fail in every way a closure can, between others that do not.
TEST_F(DbPostgresTest, AGroupKeepsItsGoodClosures) {
  constexpr int kWrites = 120;
  std::vector<std::thread> threads;
  std::atomic<int> good = 0, bad = 0;
  for (int i = 0; i < kWrites; ++i) {
    threads.emplace_back([&, i] {
      const std::string name = "item " + std::to_string(i);
      auto done = shop.write([&](Tx& tx) -> Result<void> {
        if (i % 6 == 1) return {};                                   // nothing to do
        if (i % 6 == 2) return invalid_argument("before anything");  // nothing done
        TRY(tx.exec("INSERT INTO shop_items (name) VALUES (?)", {name}));
        if (i % 6 == 3) return invalid_argument("afterwards");
        if (i % 6 == 4) TRY(tx.exec("INSERT INTO shop_items (name) VALUES (?)", {name}));
        if (i % 6 == 5) TRY(tx.query("SELECT no_such_column FROM shop_items"));
        return {};
      });
      ++(done.ok() ? good : bad);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, kWrites / 3);
  EXPECT_EQ(bad, kWrites * 2 / 3);
  EXPECT_EQ(count(), kWrites / 6);
}

TEST_F(DbPostgresTest, PreparesAnewAfterManyStatements) {
  for (int i = 0; i < 1100; ++i) {
    auto done = shop.write([&](Tx& tx) { return tx.query("SELECT " + std::to_string(i)); });
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
}

}  // namespace
}  // namespace lazuli::db
