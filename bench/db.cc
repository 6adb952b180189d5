// SPDX-License-Identifier: Apache-2.0
// Durable small writes per second: the database with many clients, beside a bare SQLite loop that
// commits each row by itself, with the same settings on the same disk.
//
// usage: bench_db [DIRECTORY] [POSTGRES_CONNINFO]
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "db/db.h"

namespace lazuli::db {
namespace {

constexpr auto kTime = std::chrono::seconds(3);
const std::string kInsert = "INSERT INTO bench_rows (name, number) VALUES (?, ?)";

struct Figures {
  double per_second = 0;
  double p50_us = 0, p99_us = 0;
};

Figures figures(std::vector<double> latencies_us, double seconds) {
  std::sort(latencies_us.begin(), latencies_us.end());
  auto at = [&](double share) {
    return latencies_us[static_cast<size_t>(share * static_cast<double>(latencies_us.size() - 1))];
  };
  return {static_cast<double>(latencies_us.size()) / seconds, at(0.5), at(0.99)};
}

void print(const std::string& what, const Figures& f) {
  std::printf("%-44s %9.0f writes/s   p50 %7.0f us   p99 %7.0f us\n", what.c_str(), f.per_second,
              f.p50_us, f.p99_us);
}

// Calls `write` from `clients` threads until the time is over.
template <typename Write>
Figures measure(int clients, Write write) {
  std::vector<std::vector<double>> latencies(static_cast<size_t>(clients));
  std::vector<std::thread> threads;
  const auto started = SteadyClock::now();
  for (auto& mine : latencies) {
    threads.emplace_back([&] {
      for (auto before = SteadyClock::now(); before - started < kTime;) {
        write();
        const auto after = SteadyClock::now();
        mine.push_back(std::chrono::duration<double, std::micro>(after - before).count());
        before = after;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - started).count();
  std::vector<double> all;
  for (auto& mine : latencies) all.insert(all.end(), mine.begin(), mine.end());
  return figures(std::move(all), seconds);
}

void bench_bare(const std::string& path) {
  sqlite3* db = nullptr;
  sqlite3_stmt* insert = nullptr;
  CHECK(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                     "PRAGMA wal_autocheckpoint = 4000; CREATE TABLE bench_rows "
                     "(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, number INTEGER)",
                     nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(sqlite3_prepare_v2(db, kInsert.c_str(), -1, &insert, nullptr) == SQLITE_OK);
  int64_t number = 0;
  print("bare SQLite loop, a commit per row", measure(1, [&] {
          sqlite3_bind_text(insert, 1, "a name of some length", -1, SQLITE_STATIC);
          sqlite3_bind_int64(insert, 2, ++number);
          CHECK(sqlite3_step(insert) == SQLITE_DONE);
          sqlite3_reset(insert);
        }));
  sqlite3_finalize(insert);
  sqlite3_close(db);
}

void bench_database(const std::string& name, const std::string& url) {
  auto db = Database::open({.url = url});
  CHECK(db.ok());
  CHECK((*db)
            ->migrate(std::vector<Migration>{
                {"bench", 1, "CREATE TABLE bench_rows (id {id}, name {text}, number {int})"}})
            .ok());
  Database::Handle handle = (*db)->handle("bench");
  std::atomic<int64_t> number = 0;
  for (int clients : {1, 8, 64, 256}) {
    print(name + ", " + std::to_string(clients) + " clients", measure(clients, [&] {
            auto done = handle.write(
                [&](Tx& tx) { return tx.exec(kInsert, {"a name of some length", ++number}); });
            CHECK(done.ok());
          }));
  }
}

}  // namespace
}  // namespace lazuli::db

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(argc > 1 ? argv[1] : ".") / "bench_db.tmp";
  fs::remove_all(folder);
  fs::create_directories(folder);
  lazuli::db::bench_bare(folder / "bare.db");
  lazuli::db::bench_database("SQLite", "sqlite:" + (folder / "state.db").string());
  if (argc > 2) lazuli::db::bench_database("PostgreSQL", argv[2]);
  fs::remove_all(folder);
}
