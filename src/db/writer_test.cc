// SPDX-License-Identifier: Apache-2.0
#include "db/writer.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

#include "db/testing.h"

namespace lazuli::db {
namespace {

std::vector<Migration> schema() {
  return {{"queue", 1, "CREATE TABLE queue_rows (id {id}, name {text} UNIQUE, number {int})"}};
}

class DbWriterTest : public ::testing::TestWithParam<testing::Driver> {
 protected:
  Result<int64_t> insert(std::string_view name) {
    return handle.write([&](Tx& tx) {
      return tx.exec("INSERT INTO queue_rows (name, number) VALUES (?, 0)", {name});
    });
  }

  // Keeps the writer busy until the returned promise is kept.
  std::thread block(std::shared_future<void> release) {
    std::promise<void> begun;
    std::thread thread([this, release, &begun] {
      auto done = handle.write([&](Tx&) -> Result<void> {
        begun.set_value();
        release.wait();
        return {};
      });
      EXPECT_TRUE(done.ok());
    });
    begun.get_future().wait();
    return thread;
  }

  testing::TestDatabase db{
      GetParam(), schema(), {.waiting_writes_max = 3, .wait_max = std::chrono::milliseconds(150)}};
  Database::Handle handle = db.handle("queue");
};

INSTANTIATE_TEST_SUITE_P(Drivers, DbWriterTest, testing::each_driver(), testing::driver_name);

TEST_P(DbWriterTest, AWriteThatWaitsTooLongIsNotDone) {
  std::promise<void> release;
  std::thread blocker = block(release.get_future().share());
  auto late = insert("late");
  release.set_value();
  blocker.join();
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Code::kDeadlineExceeded);
  EXPECT_TRUE(insert("late").ok());
}

TEST_P(DbWriterTest, AFullQueueRefuses) {
  std::promise<void> release;
  std::thread blocker = block(release.get_future().share());
  std::atomic<int> late = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&, i] {
      auto code = insert(std::to_string(i)).error().code;
      code == Code::kUnavailable ? ++refused : ++late;
    });
  }
  for (auto& thread : threads) thread.join();
  release.set_value();
  blocker.join();
  EXPECT_EQ(late, 3);
  EXPECT_EQ(refused, 2);
}

TEST_P(DbWriterTest, GroupsWhatWaits) {
  std::promise<void> release;
  std::thread blocker = block(release.get_future().share());
  std::vector<std::thread> threads;
  std::atomic<int> ok = 0, conflicts = 0;
  for (std::string_view name : {"a", "b", "a"}) {
    threads.emplace_back([&, name] {
      auto done = insert(name);
      done.ok() ? ++ok : ++conflicts;
      if (!done.ok()) {
        EXPECT_EQ(done.error().wire_code, "UniqueViolation");
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  release.set_value();
  for (auto& thread : threads) thread.join();
  blocker.join();
  EXPECT_EQ(ok, 2);
  EXPECT_EQ(conflicts, 1);
}

TEST_P(DbWriterTest, AnExceptionIsAnErrorOfItsClosureAlone) {
  auto thrown = handle.write([](Tx& tx) -> Result<void> {
    TRY(tx.exec("INSERT INTO queue_rows (name) VALUES ('ghost')"));
    throw std::runtime_error("a bug");
  });
  EXPECT_EQ(thrown.error().code, Code::kInternal);
  EXPECT_TRUE(insert("ghost").ok());
}

TEST_P(DbWriterTest, AClosureThatWaitsForTheDatabaseIsToldSo) {
  auto nested = handle.write([&](Tx&) -> Result<void> {
    EXPECT_EQ(insert("inner").error().code, Code::kInternal);
    auto read = handle.read([](Reader&) -> Result<void> { return {}; });
    EXPECT_EQ(read.error().code, Code::kInternal);
    return {};
  });
  EXPECT_TRUE(nested.ok());
}

TEST_P(DbWriterTest, ReadersWaitForAConnectionOnlySoLong) {
  testing::TestDatabase small(GetParam(), schema(),
                              {.readers = 1, .wait_max = std::chrono::milliseconds(50)});
  auto outer = small.handle("queue").read([&](Reader&) -> Result<void> {
    std::thread([&] {
      auto inner = small.handle("queue").read([](Reader&) -> Result<void> { return {}; });
      ASSERT_FALSE(inner.ok());
      EXPECT_EQ(inner.error().code, Code::kUnavailable);
    }).join();
    return {};
  });
  EXPECT_TRUE(outer.ok());
}

// Two servers on one database: what a closure read still holds when it commits.
TEST_P(DbWriterTest, ServersThatShareADatabaseDoNotLoseUpdates) {
  ASSERT_TRUE(insert("counter").ok());
  Options options = db.options();
  options.wait_max = std::chrono::seconds(30);
  options.waiting_writes_max = 100;
  std::atomic<int> counted = 0;
  std::vector<std::thread> servers;
  for (int i = 0; i < 2; ++i) {
    servers.emplace_back([&] {
      auto server = Database::open(options).value();
      std::vector<std::thread> clients;
      for (int client = 0; client < 4; ++client) {
        clients.emplace_back([&] {
          for (int n = 0; n < 20; ++n) {
            auto done = server->handle("queue").write([](Tx& tx) -> Result<void> {
              int64_t number = TRY(tx.query_one("SELECT number FROM queue_rows"))->integer(0);
              TRY(tx.exec("UPDATE queue_rows SET number = ?", {number + 1}));
              return {};
            });
            if (done.ok()) ++counted;
          }
        });
      }
      for (auto& client : clients) client.join();
    });
  }
  for (auto& server : servers) server.join();
  auto number =
      handle.read([](Reader& reader) { return reader.query("SELECT number FROM queue_rows"); });
  EXPECT_EQ(number.value().at(0).integer(0), counted);
  EXPECT_GT(counted, 100);
}

}  // namespace
}  // namespace lazuli::db
