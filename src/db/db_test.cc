// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "db/find.h"
#include "db/testing.h"

namespace lazuli::db {
namespace {

std::vector<Migration> schema() {
  return {
      {"shop", 1,
       "CREATE TABLE shop_items (id {id}, name {text} NOT NULL UNIQUE, price {real}, "
       "stock {int} NOT NULL DEFAULT 0, picture {blob});"
       "CREATE INDEX shop_items_by_stock ON shop_items (stock)"},
      {"shop", 2,
       "CREATE TABLE shop_orders (id {id}, item {int} NOT NULL REFERENCES shop_items (id))"},
      {"bank", 1, "CREATE TABLE bank_accounts (name {text} PRIMARY KEY, balance {int} NOT NULL)"},
  };
}

class DbTest : public ::testing::TestWithParam<testing::Driver> {
 protected:
  testing::TestDatabase db{GetParam(), schema()};
  Database::Handle shop = db.handle("shop");
  Database::Handle bank = db.handle("bank");

  Result<int64_t> add_item(std::string_view name, int64_t stock = 0) {
    return shop.write([&](Tx& tx) -> Result<int64_t> {
      Rows rows = TRY(tx.query("INSERT INTO shop_items (name, stock) VALUES (?, ?) RETURNING id",
                               {name, stock}));
      return rows.at(0).integer(0);
    });
  }

  int64_t count_items() {
    return shop
        .read([](Reader& reader) -> Result<int64_t> {
          return TRY(reader.query_one("SELECT COUNT(*) FROM shop_items"))->integer(0);
        })
        .value();
  }
};

INSTANTIATE_TEST_SUITE_P(Drivers, DbTest, testing::each_driver(), testing::driver_name);

TEST_P(DbTest, KeepsValuesOfEveryType) {
  const std::string bytes("\0\xff'\\x", 5);
  auto written = shop.write([&](Tx& tx) -> Result<void> {
    TRY(tx.exec("INSERT INTO shop_items (name, price, stock, picture) VALUES (?, ?, ?, ?)",
                {"Glühwein 'ß' ?", 0.1, INT64_MIN, Blob{bytes}}));
    TRY(tx.exec("INSERT INTO shop_items (name, price, stock, picture) VALUES (?, ?, ?, ?)",
                {"", nullptr, true, Blob{}}));
    return {};
  });
  ASSERT_TRUE(written.ok()) << written.error().message;
  auto rows = shop.read([](Reader& reader) {
    return reader.query("SELECT name, price, stock, picture FROM shop_items ORDER BY id");
  });
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  ASSERT_EQ(rows->size(), 2u);
  const Row &full = (*rows)[0], &empty = (*rows)[1];
  EXPECT_EQ(full.text(0), "Glühwein 'ß' ?");
  EXPECT_EQ(full.number(1), 0.1);
  EXPECT_EQ(full.integer(2), INT64_MIN);
  EXPECT_EQ(full.blob(3), bytes);
  EXPECT_EQ(empty.text(0), "");
  EXPECT_TRUE(empty.is_null(1));
  EXPECT_FALSE(empty.is_null(3));
  EXPECT_TRUE(empty.boolean(2));
  EXPECT_EQ(empty.optional_text(1), std::nullopt);
}

TEST_P(DbTest, KeepsExtremeNumbers) {
  const double values[] = {INFINITY, -INFINITY, 1e-310, -0.0, 1.7976931348623157e308, NAN};
  int n = 0;
  for (double value : values) {
    auto back = shop.write([&](Tx& tx) -> Result<Row> {
      return std::move(
          *TRY(tx.query_one("INSERT INTO shop_items (name, price) VALUES (?, ?) RETURNING price",
                            {std::to_string(n++), value})));
    });
    ASSERT_TRUE(back.ok()) << back.error().message;
    if (std::isnan(value)) {
      EXPECT_TRUE(back->is_null(0));
    } else {
      EXPECT_EQ(back->number(0), value);
    }
  }
}

TEST_P(DbTest, RefusesTextThatIsNone) {
  for (std::string_view text : {std::string_view("a\0b", 3), std::string_view("\xff")}) {
    auto added = add_item(text);
    ASSERT_FALSE(added.ok());
    EXPECT_EQ(added.error().code, Code::kInvalidArgument);
  }
}

TEST_P(DbTest, NamesBrokenConstraints) {
  ASSERT_TRUE(add_item("tea").ok());
  auto again = add_item("tea");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::kConflict);
  EXPECT_EQ(again.error().wire_code, "UniqueViolation");
  EXPECT_EQ(again.error().message.find("(tea)"), std::string::npos);  // values stay inside
  auto order =
      shop.write([](Tx& tx) { return tx.exec("INSERT INTO shop_orders (item) VALUES (?)", {99}); });
  ASSERT_FALSE(order.ok());
  EXPECT_EQ(order.error().wire_code, "ForeignKeyViolation");
}

TEST_P(DbTest, ABrokenConstraintThatAClosureOverlooksIsToldAndNotTriedAgain) {
  int runs = 0;
  auto order = shop.write([&](Tx& tx) -> Result<void> {
    ++runs;
    TRY(tx.exec("INSERT INTO shop_items (name) VALUES ('ghost')"));
    (void)tx.exec("INSERT INTO shop_orders (item) VALUES (?)", {99});
    return {};
  });
  ASSERT_FALSE(order.ok());
  EXPECT_EQ(order.error().wire_code, "ForeignKeyViolation");
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(count_items(), 0);
  EXPECT_TRUE(add_item("tea").ok());
}

TEST_P(DbTest, FindsWhatRowsAreReadAs) {
  ASSERT_TRUE(add_item("milk").ok());
  ASSERT_TRUE(add_item("tea").ok());
  auto name = [](const Row& row) { return row.text(0); };
  auto strict = [](const Row& row) -> Result<std::string> {
    if (row.text(0) == "tea") return conflict("no tea");
    return row.text(0);
  };
  constexpr std::string_view kAll = "SELECT name FROM shop_items ORDER BY name";
  constexpr std::string_view kOne = "SELECT name FROM shop_items WHERE name = ?";
  auto read = [&](auto look) { return shop.read([&](Reader& reader) { return look(reader); }); };
  EXPECT_EQ(*read([&](Reader& db) { return find_all(db, kAll, {}, name); }),
            (std::vector<std::string>{"milk", "tea"}));
  EXPECT_FALSE(read([&](Reader& db) { return find_all(db, kAll, {}, strict); }).ok());
  EXPECT_EQ(**read([&](Reader& db) { return find_one(db, kOne, {"milk"}, strict); }), "milk");
  EXPECT_FALSE(read([&](Reader& db) { return find_one(db, kOne, {"tea"}, strict); }).ok());
  EXPECT_FALSE(read([&](Reader& db) { return find_one(db, kOne, {"rum"}, name); })->has_value());
}

TEST_P(DbTest, CountsUpAndNeverReusesIds) {
  int64_t first = add_item("a").value();
  auto removed = shop.write([](Tx& tx) { return tx.exec("DELETE FROM shop_items"); });
  EXPECT_EQ(removed.value(), 1);
  EXPECT_GT(add_item("b").value(), first);
}

TEST_P(DbTest, RollsBackAFailedClosureAlone) {
  auto failed = shop.write([](Tx& tx) -> Result<void> {
    TRY(tx.exec("INSERT INTO shop_items (name) VALUES ('ghost')"));
    return conflict("changed my mind", "Changed");
  });
  EXPECT_EQ(failed.error().wire_code, "Changed");
  EXPECT_EQ(count_items(), 0);
}

TEST_P(DbTest, AnErrorEndsTheClosureEvenIfItIsOverlooked) {
  ASSERT_TRUE(add_item("tea").ok());
  auto result = shop.write([](Tx& tx) -> Result<void> {
    TRY(tx.exec("INSERT INTO shop_items (name) VALUES ('coffee')"));
    (void)tx.exec("INSERT INTO shop_items (name) VALUES ('tea')");
    auto later = tx.exec("INSERT INTO shop_items (name) VALUES ('milk')");
    EXPECT_FALSE(later.ok());
    return {};
  });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().wire_code, "UniqueViolation");
  EXPECT_EQ(count_items(), 1);
}

TEST_P(DbTest, ClosuresOfManyThreadsAllCommitOrFailAlone) {
  constexpr int kThreads = 16, kWrites = 50;
  std::atomic<int> ok = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kWrites; ++i) {
        // Every fifth name is shared by all threads: one of them wins.
        std::string name =
            i % 5 == 0 ? std::to_string(i) : std::to_string(t) + "-" + std::to_string(i);
        add_item(name).ok() ? ++ok : ++refused;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ok, kThreads * 40 + 10);
  EXPECT_EQ(refused, kThreads * 10 - 10);
  EXPECT_EQ(count_items(), ok);
}

TEST_P(DbTest, AClosureSeesWhatItsNeighboursWrote) {
  ASSERT_TRUE(add_item("counter").ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        auto done = shop.write([](Tx& tx) -> Result<void> {
          int64_t stock = TRY(tx.query_one("SELECT stock FROM shop_items"))->integer(0);
          TRY(tx.exec("UPDATE shop_items SET stock = ?", {stock + 1}));
          return {};
        });
        EXPECT_TRUE(done.ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  auto stock =
      shop.read([](Reader& reader) { return reader.query("SELECT stock FROM shop_items"); });
  EXPECT_EQ(stock.value().at(0).integer(0), 200);
}

TEST_P(DbTest, ReadsOneSnapshot) {
  ASSERT_TRUE(add_item("a").ok());
  auto seen = shop.read([&](Reader& reader) -> Result<int64_t> {
    int64_t before = TRY(reader.query_one("SELECT COUNT(*) FROM shop_items"))->integer(0);
    std::thread([&] { EXPECT_TRUE(add_item("b").ok()); }).join();
    int64_t after = TRY(reader.query_one("SELECT COUNT(*) FROM shop_items"))->integer(0);
    return after - before;
  });
  EXPECT_EQ(seen.value(), 0);
  EXPECT_EQ(count_items(), 2);
}

TEST_P(DbTest, AReaderCannotWrite) {
  auto result = shop.read(
      [](Reader& reader) { return reader.exec("INSERT INTO shop_items (name) VALUES ('x')"); });
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(count_items(), 0);
}

TEST_P(DbTest, JoinsAnotherOwnerInTheSameTransaction) {
  auto buy = [&](bool fail) {
    return shop.write([&](Tx& tx) -> Result<void> {
      TRY(tx.exec("INSERT INTO shop_items (name) VALUES ('tea')"));
      TRY(bank.join(tx).exec("INSERT INTO bank_accounts (name, balance) VALUES ('till', 5)"));
      TRY(tx.exec("UPDATE shop_items SET stock = 1"));
      if (fail) return conflict("no money");
      return {};
    });
  };
  auto tills = [&] {
    return bank.read([](Reader& reader) { return reader.query("SELECT name FROM bank_accounts"); })
        .value()
        .size();
  };
  EXPECT_FALSE(buy(true).ok());
  EXPECT_EQ(tills(), 0u);
  auto bought = buy(false);
  EXPECT_TRUE(bought.ok()) << bought.error().message;
  EXPECT_EQ(tills(), 1u);
  EXPECT_EQ(count_items(), 1);
}

TEST_P(DbTest, AfterCommitRunsInOrderAndOnlyAfterACommit) {
  std::vector<int> ran;
  auto note = [&](int n) { return [&ran, n] { ran.push_back(n); }; };
  ASSERT_TRUE(shop.write([&](Tx& tx) -> Result<void> {
                    tx.after_commit(note(1));
                    bank.join(tx).after_commit(note(2));
                    return {};
                  })
                  .ok());
  ASSERT_FALSE(shop.write([&](Tx& tx) -> Result<void> {
                     tx.after_commit(note(3));
                     return conflict("no");
                   })
                   .ok());
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST_P(DbTest, UpsertsAndBindsInEveryPlace) {
  auto put = [&](int64_t balance) {
    return bank.write([&](Tx& tx) {
      return tx.query(
          "INSERT INTO bank_accounts (name, balance) VALUES (?, ?) "
          "ON CONFLICT (name) DO UPDATE SET balance = bank_accounts.balance + excluded.balance "
          "RETURNING balance",
          {"till", balance});
    });
  };
  auto first = put(5);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(put(7).value().at(0).integer(0), 12);
  auto found = bank.read([](Reader& reader) {
    return reader.query(
        "SELECT name, '?' FROM bank_accounts WHERE (? IS NULL OR balance > ?) AND name IN (?, ?) "
        "AND balance * 2 <> ? ORDER BY name LIMIT ? OFFSET ?",
        {nullptr, 100, "till", "safe", 7, 10, 0});
  });
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].text(1), "?");
}

TEST_P(DbTest, TakesParametersBuiltAtRunTime) {
  ASSERT_TRUE(add_item("a").ok());
  std::vector<Param> names = {"a", "b"};
  auto found = shop.read([&](Reader& reader) {
    return reader.query("SELECT id FROM shop_items WHERE name IN (?, ?)", names);
  });
  EXPECT_EQ(found.value().size(), 1u);
}

TEST_P(DbTest, ComparesTextAlike) {
  for (std::string_view name : {"b", "B", "a", "Ä", "_"}) ASSERT_TRUE(add_item(name).ok());
  auto names = shop.read(
      [](Reader& reader) { return reader.query("SELECT name FROM shop_items ORDER BY name"); });
  std::string order;
  for (const Row& row : names.value()) order += row.text(0);
  EXPECT_EQ(order, "B_abÄ");
  auto like = shop.read([](Reader& reader) {
    return reader.query("SELECT name FROM shop_items WHERE name LIKE 'b%'");
  });
  EXPECT_EQ(like.value().size(), 1u);
}

TEST_P(DbTest, AggregatesComeBackAsNumbers) {
  ASSERT_TRUE(add_item("a", 1).ok());
  ASSERT_TRUE(add_item("b", 2).ok());
  auto row = shop.read([](Reader& reader) {
    return reader.query_one(
        "SELECT SUM(stock), AVG(stock), MAX(name), COUNT(*) = 2 FROM shop_items");
  });
  ASSERT_TRUE(row.ok()) << row.error().message;
  EXPECT_EQ((*row)->integer(0), 3);
  EXPECT_EQ((*row)->number(1), 1.5);
  EXPECT_EQ((*row)->text(2), "b");
  EXPECT_TRUE((*row)->boolean(3));
}

TEST_P(DbTest, RefusesWhatIsNoPlainStatement) {
  for (std::string_view sql :
       {"COMMIT", "DROP TABLE shop_items", "SELECT 1; DELETE FROM shop_items", "SELECT ? + 1",
        "SELEC 1", "", "SELECT * FROM shop_nothing"}) {
    auto result = shop.write([&](Tx& tx) { return tx.exec(sql); });
    ASSERT_FALSE(result.ok()) << sql;
    EXPECT_EQ(result.error().code, Code::kInternal) << sql;
  }
  EXPECT_TRUE(add_item("still works").ok());
}

TEST_P(DbTest, KeepsEverythingAcrossARestart) {
  ASSERT_TRUE(add_item("tea").ok());
  db.reopen();
  shop = db.handle("shop");
  EXPECT_EQ(count_items(), 1);
}

TEST_P(DbTest, ACloseAnswersWhatWaitsAndRefusesTheRest) {
  std::vector<std::thread> threads;
  std::atomic<int> ok = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0;; ++i) {
        auto added = add_item(std::to_string(t) + "-" + std::to_string(i));
        if (!added.ok()) {
          EXPECT_EQ(added.error().code, Code::kUnavailable);
          return;
        }
        ++ok;
      }
    });
  }
  while (ok < 50) std::this_thread::yield();
  db->close();
  for (auto& thread : threads) thread.join();
  db.reopen();
  shop = db.handle("shop");
  EXPECT_EQ(count_items(), ok);
}

}  // namespace
}  // namespace lazuli::db
