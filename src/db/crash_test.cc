// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "base/ids.h"
#include "base/strings.h"
#include "db/crash_disk.h"
#include "db/db.h"

namespace lazuli::db {
namespace {

// Keeps a ledger of every write that was answered ok, cuts the power under full load, and looks
// whether the database still holds them all.
class DbCrashTest : public ::testing::Test {
 protected:
  DbCrashTest() { std::filesystem::create_directories(folder_); }
  ~DbCrashTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Database> open() {
    auto db = Database::open({.url = "sqlite:" + path_, .sqlite_vfs = disk_.vfs_name()});
    CHECK(db.ok());
    auto migrated = (*db)->migrate(std::vector<Migration>{
        {"crash", 1, "CREATE TABLE crash_rows (id {int} PRIMARY KEY, filler {text} NOT NULL)"}});
    CHECK(migrated.ok());
    return std::move(*db);
  }

  // Writes from many threads until the power goes; the ids that were answered ok.
  std::vector<int64_t> write_until_power_cut(Database& db, std::chrono::milliseconds time) {
    std::vector<std::vector<int64_t>> ledgers(kThreads);
    std::vector<std::thread> threads;
    std::atomic<int> answered = 0;
    for (auto& ledger : ledgers) {
      threads.emplace_back([&] {
        for (;;) {
          const int64_t id = ++last_id_;
          if (!insert(db, id).ok()) return;
          ledger.push_back(id);
          ++answered;
        }
      });
    }
    std::this_thread::sleep_for(time);
    for (int i = 0; i < 5000 && answered < 150; ++i)  // a busy machine takes longer
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    disk_.cut_power();
    for (auto& thread : threads) thread.join();
    std::vector<int64_t> all;
    for (auto& ledger : ledgers) all.insert(all.end(), ledger.begin(), ledger.end());
    return all;
  }

  static Result<int64_t> insert(Database& db, int64_t id) {
    // Long enough for the log to be written back into the database several times during a test.
    const std::string filler(static_cast<size_t>(id % 7 == 0 ? 60'000 : 100), 'x');
    return db.handle("crash").write([&](Tx& tx) {
      return tx.exec("INSERT INTO crash_rows (id, filler) VALUES (?, ?)", {id, filler});
    });
  }

  static std::vector<int64_t> kept(Database& db) {
    auto rows = db.handle("crash").read(
        [](Reader& reader) { return reader.query("SELECT id FROM crash_rows ORDER BY id"); });
    std::vector<int64_t> ids;
    for (const Row& row : rows.value()) ids.push_back(row.integer(0));
    return ids;
  }

  // One power cut; how many of all ids answered so far are gone after it.
  size_t lost_after_cut(uint64_t seed, std::chrono::milliseconds time) {
    auto db = open();
    auto acknowledged = write_until_power_cut(*db, time);
    EXPECT_FALSE(acknowledged.empty());
    ledger_.insert(ledger_.end(), acknowledged.begin(), acknowledged.end());
    std::sort(ledger_.begin(), ledger_.end());
    db.reset();
    disk_.restore(seed);
    db = open();
    const auto ids = kept(*db);
    std::vector<int64_t> lost;
    std::set_difference(ledger_.begin(), ledger_.end(), ids.begin(), ids.end(),
                        std::back_inserter(lost));
    return lost.size();
  }

  static constexpr int kThreads = 16;
  const std::string folder_ =
      std::filesystem::temp_directory_path() / cat({"lazuli-crash-", random_name(12)});
  const std::string path_ = folder_ + "/state.db";
  testing::CrashDisk disk_;
  std::atomic<int64_t> last_id_ = 0;
  std::vector<int64_t> ledger_;
};

TEST_F(DbCrashTest, KeepsEveryAnsweredWrite) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    EXPECT_EQ(lost_after_cut(seed, std::chrono::milliseconds(30 + 20 * seed)), 0u)
        << "seed " << seed;
    EXPECT_EQ(testing::CrashDisk::integrity(path_), "ok");
  }
  EXPECT_GT(ledger_.size(), 1000u);
}

// Proves that the test above would notice: on a disk that only claims to sync, answered writes are
// lost.
TEST_F(DbCrashTest, NoticesADiskThatDoesNotSync) {
  EXPECT_EQ(lost_after_cut(0, std::chrono::milliseconds(20)), 0u);
  disk_.ignore_syncs();
  EXPECT_GT(lost_after_cut(0, std::chrono::milliseconds(20)), 0u);
}

TEST_F(DbCrashTest, TakesNoMoreWritesAfterAFailedSync) {
  auto db = open();
  ASSERT_TRUE(insert(*db, 1).ok());
  disk_.cut_power();
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto result = insert(*db, 2);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, Code::kUnavailable);
  }
  EXPECT_EQ(kept(*db), std::vector<int64_t>{1});
}

}  // namespace
}  // namespace lazuli::db
