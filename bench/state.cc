// SPDX-License-Identifier: Apache-2.0
// Durable workflow transitions per second, beside loops that write the same rows into a bare SQLite
// and a bare PostgreSQL. A transition is one step beginning or ending: a row in the journal and the
// step's row, on disk.
//
// usage: bench_state DIRECTORY [POSTGRES_CONNINFO]
#include <libpq-fe.h>
#include <sqlite3.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/strings.h"
#include "engines/workflow/workflow.h"

namespace lazuli::workflow {
namespace {

namespace fs = std::filesystem;

constexpr auto kBareTime = std::chrono::seconds(3);
constexpr int kClients = 64;
constexpr int kRuns = 200, kSteps = 100;
constexpr int kChain = 1000;
constexpr int kFan = 10'000;

double seconds_since(SteadyClock::time_point started) {
  return std::chrono::duration<double>(SteadyClock::now() - started).count();
}

void print(const std::string& what, double per_second) {
  std::printf("%-58s %9.0f transitions/s\n", what.c_str(), per_second);
  std::fflush(stdout);
}

// ---- bare ---------------------------------------------------------------------------------------

void bench_bare_sqlite(const std::string& path) {
  sqlite3* db = nullptr;
  CHECK(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  const auto run = [&](const char* sql) {
    CHECK(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  };
  run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;"
      "CREATE TABLE journal (id INTEGER PRIMARY KEY, run TEXT, event TEXT, body TEXT);"
      "CREATE TABLE step (run TEXT, name TEXT, state TEXT, attempt INT, PRIMARY KEY (run, name))");
  int count = 0;
  const auto started = SteadyClock::now();
  for (; SteadyClock::now() - started < kBareTime; ++count) {
    const std::string name = std::to_string(count % 1000);
    run(cat({"BEGIN IMMEDIATE; INSERT INTO journal (run, event, body) VALUES ('run', 'Ended', "
             "'{\"state\":\"Succeeded\"}'); INSERT INTO step VALUES ('run', '",
             name,
             "', 'Succeeded', 1) ON CONFLICT (run, name) DO UPDATE SET state = excluded.state, "
             "attempt = step.attempt + 1; COMMIT"})
            .c_str());
  }
  print("bare SQLite, a commit per transition", count / seconds_since(started));
  sqlite3_close(db);
}

int bare_postgres_client(const std::string& conninfo, int client) {
  PGconn* db = PQconnectdb(conninfo.c_str());
  CHECK(PQstatus(db) == CONNECTION_OK);
  const auto run = [&](const std::string& sql) {
    PGresult* result = PQexec(db, sql.c_str());
    CHECK(PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);
  };
  int count = 0;
  const auto started = SteadyClock::now();
  for (; SteadyClock::now() - started < kBareTime; ++count) {
    const std::string name = std::to_string(count % 1000);
    run(
        cat({"BEGIN; INSERT INTO bare_journal (run, event, body) VALUES ('run', 'Ended', "
             "'{\"state\":\"Succeeded\"}'); INSERT INTO bare_step VALUES ('",
             std::to_string(client), "', '", name,
             "', 'Succeeded', 1) ON CONFLICT (run, name) DO UPDATE SET state = excluded.state, "
             "attempt = bare_step.attempt + 1; COMMIT"}));
  }
  PQfinish(db);
  return count;
}

void bench_bare_postgres(const std::string& conninfo) {
  PGconn* db = PQconnectdb(conninfo.c_str());
  PQclear(PQexec(db,
                 "CREATE TABLE bare_journal (id bigserial PRIMARY KEY, run text, event text, body "
                 "text); CREATE TABLE bare_step (run text, name text, state text, attempt int, "
                 "PRIMARY KEY (run, name))"));
  PQfinish(db);
  for (const int clients : {1, 16}) {
    std::atomic<int> count = 0;
    std::vector<std::thread> threads;
    const auto started = SteadyClock::now();
    for (int i = 0; i < clients; ++i) {
      threads.emplace_back([&, i] { count += bare_postgres_client(conninfo, i); });
    }
    for (std::thread& thread : threads) thread.join();
    print(cat({"bare PostgreSQL, a commit per transition, ", std::to_string(clients), " clients"}),
          count / seconds_since(started));
  }
}

// ---- the engine ---------------------------------------------------------------------------------

// Ends attempts at once, each on one of `threads`, as many workers would.
class Workers final : public Executor {
 public:
  explicit Workers(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Workers() override {
    {
      std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Result<void> start(const Attempt& attempt) override {
    {
      std::lock_guard lock(mutex_);
      waiting_.push_back(attempt.id);
    }
    changed_.notify_one();
    return {};
  }
  void cancel(const std::string&) override {}
  Engine* engine = nullptr;

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return over_ || !waiting_.empty(); });
      if (over_) return;
      const std::string id = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      CHECK(engine->complete(id, {State::kSucceeded, Json::object({{"rows", 17}}), {}}).ok());
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  bool over_ = false;
  std::vector<std::thread> threads_;
};

class Ends final : public Observer {
 public:
  Result<void> on_step(db::Tx&, const std::string&, const StepStatus&) override { return {}; }
  Result<void> on_run(db::Tx& tx, const RunStatus& run) override {
    if (!is_terminal(run.state)) return {};
    tx.after_commit([this] {
      std::lock_guard lock(mutex_);
      ++ended_;
      changed_.notify_all();
    });
    return {};
  }
  void wait(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int ended_ = 0;
};

Definition chain(int length) {
  Definition definition;
  for (int i = 0; i < length; ++i) {
    Step step{.name = cat({"s", std::to_string(i)}), .kind = "work", .params = {}, .after = {}};
    if (i > 0) step.after.push_back(cat({"s", std::to_string(i - 1)}));
    definition.steps.push_back(std::move(step));
  }
  return definition;
}

Definition fan(int width) {
  Definition definition;
  Step join{.name = "out", .kind = "work", .params = {}, .after = {}};
  definition.steps.push_back({.name = "in", .kind = "work", .params = {}, .after = {}});
  for (int i = 0; i < width; ++i) {
    definition.steps.push_back(
        {.name = cat({"s", std::to_string(i)}), .kind = "work", .params = {}, .after = {"in"}});
    join.after.push_back(definition.steps.back().name);
  }
  definition.steps.push_back(std::move(join));
  return definition;
}

class Trial {
 public:
  Trial(std::string name, const std::string& url) : name_(std::move(name)) {
    db_ = db::Database::open({.url = url}).value();
    db_->migrate(Engine::migrations()).value();
    engine_ = Engine::create(db_->handle("workflow")).value();
    workers_.engine = engine_.get();
    engine_->add_executor("work", workers_);
    engine_->set_observer(ends_);
    engine_->start().value();
  }
  ~Trial() { engine_->stop(); }

  void run() {
    print(
        cat({name_, ", ", std::to_string(kRuns), " runs, ", std::to_string(kClients), " workers"}),
        2.0 * kRuns * kSteps / time(kRuns, chain(kSteps)));
    print(cat({name_, ", one run, ", std::to_string(kFan), " steps at once"}),
          2.0 * kFan / time(1, fan(kFan)));
    const double chained = time(1, chain(kChain));
    std::printf("%-58s %9.3f ms a step\n",
                cat({name_, ", one run, a chain of ", std::to_string(kChain)}).c_str(),
                chained * 1000 / kChain);
  }

 private:
  double time(int runs, const Definition& definition) {
    const auto started = SteadyClock::now();
    for (int i = 0; i < runs; ++i) {
      const std::string id = cat({"run", std::to_string(++submitted_)});
      db_->handle("workflow")
          .write([&](db::Tx& tx) { return engine_->submit(tx, id, definition); })
          .value();
    }
    ends_.wait(submitted_);
    return seconds_since(started);
  }

  const std::string name_;
  std::unique_ptr<db::Database> db_;
  std::unique_ptr<Engine> engine_;
  Workers workers_{kClients};
  Ends ends_;
  int submitted_ = 0;
};

}  // namespace
}  // namespace lazuli::workflow

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(argc > 1 ? argv[1] : ".") / "bench_state.tmp";
  fs::remove_all(folder);
  fs::create_directories(folder);
  lazuli::workflow::bench_bare_sqlite(folder / "bare.db");
  lazuli::workflow::Trial("engine on SQLite", "sqlite:" + (folder / "state.db").string()).run();
  if (argc > 2) {
    lazuli::workflow::bench_bare_postgres(argv[2]);
    lazuli::workflow::Trial("engine on PostgreSQL", argv[2]).run();
  }
  fs::remove_all(folder);
}
