// SPDX-License-Identifier: Apache-2.0
#include "services/schedules/firer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "base/strings.h"
#include "core/auth.h"
#include "db/testing.h"
#include "services/schedules/store.h"
#include "services/schedules/trigger.h"

namespace lazuli::schedules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// Counts the jobs it is asked for; as jobs do, it takes the same one twice.
class Jobs final : public core::Dispatcher {
 public:
  http::Response send(const core::Principal& caller, const core::InnerRequest& request) override {
    std::lock_guard lock(mutex_);
    EXPECT_EQ(caller.name(), "who made it");
    if (busy-- > 0) return http::Response(503, R"({"error":{"code":"Busy","message":"later"}})");
    if (refuses) return http::Response(400, R"({"error":{"code":"No","message":"never"}})");
    const size_t slash = request.target.rfind('/');
    ++made[request.target.substr(slash + 1, request.target.find('?') - slash - 1)];
    bodies.push_back(Json::parse(request.body).value());
    return http::Response(201, "{}");
  }
  Result<void> preflight(const core::Principal&, const core::InnerRequest&) override { return {}; }
  const std::vector<core::Manifest>& manifests() const override { return manifests_; }
  std::map<std::string, int> jobs() {
    std::lock_guard lock(mutex_);
    return made;
  }

  std::atomic<int> busy = 0;
  bool refuses = false;
  std::map<std::string, int> made;
  std::vector<Json> bodies;

 private:
  std::mutex mutex_;
  std::vector<core::Manifest> manifests_;
};

std::vector<db::Migration> migrations() {
  std::vector<db::Migration> all = workflow::Engine::migrations();
  for (db::Migration& each : Store::migrations()) all.push_back(std::move(each));
  return all;
}

class ScheduleFirerTest : public ::testing::TestWithParam<db::testing::Driver> {
 protected:
  struct Server {
    Server(ScheduleFirerTest& test, const std::string& name) {
      engine = workflow::Engine::create(test.db.handle("workflow"), {.node = name}).value();
      firer = std::make_unique<Firer>(*engine, test.jobs, *test.vault, test.db.handle("schedules"),
                                      [&test] { return test.time; });
      engine->add_executor(Firer::kStepKind, *firer);
      EXPECT_TRUE(engine->start().ok());
    }
    ~Server() {
      firer->end();
      engine->stop();
    }
    std::unique_ptr<workflow::Engine> engine;
    std::unique_ptr<Firer> firer;
  };

  Schedule schedule(const char* name, const char* expression) {
    const core::Principal caller =
        core::Authenticator::seal({.object_id = "someone", .name = "who made it"});
    Schedule made{.workspace_id = "/subscriptions/s/workspaces/w", .name = name};
    made.properties = Json::object(
        {{"action", Json::object({{"jobDefinition", Json::object({{"jobType", "Command"}})}})},
         {"trigger", Json::object({{"triggerType", "Cron"}, {"expression", expression}})}});
    made.anchor = time;
    made.next = Trigger::parse(made.properties["trigger"], time).value().next(time);
    made.caller = core::keep_caller(caller, *vault);
    EXPECT_TRUE(
        db.handle("schedules").write([&](db::Tx& tx) { return Store::put(tx, made); }).ok());
    return made;
  }
  std::optional<Timestamp> next_of(const char* name) {
    return db.handle("schedules")
        .read([&](db::Reader& reader) {
          return Store::find(reader, "/subscriptions/s/workspaces/w", name);
        })
        .value()
        ->next;
  }
  // Fires until nothing is due, then waits until the jobs are there.
  std::map<std::string, int> jobs_of(Firer& firer, size_t count) {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(firer.fire_due().ok());
    const auto deadline = SteadyClock::now() + std::chrono::seconds(20);
    while (jobs.jobs().size() < count && SteadyClock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // for what should not come
    return jobs.jobs();
  }

  Timestamp time = parse_iso8601("2026-11-25T10:00:30Z").value();
  std::unique_ptr<core::Vault> vault = core::make_vault(SecretBytes(32));
  Jobs jobs;
  db::testing::TestDatabase db{GetParam(), migrations()};
};
INSTANTIATE_TEST_SUITE_P(Drivers, ScheduleFirerTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(ScheduleFirerTest, EveryTimeIsOneJob) {
  Server server(*this, "one");
  server.firer->begin();
  schedule("often", "*/10 * * * *");
  EXPECT_TRUE(jobs_of(*server.firer, 0).empty());
  time += minutes(35);  // as if the server had been away
  const auto made = jobs_of(*server.firer, 3);
  EXPECT_EQ(made, (std::map<std::string, int>{{"often-20261125T101000Z", 1},
                                              {"often-20261125T102000Z", 1},
                                              {"often-20261125T103000Z", 1}}));
  EXPECT_EQ(format_iso8601_seconds(next_of("often").value()), "2026-11-25T10:40:00Z");
  EXPECT_EQ(jobs.bodies[0]["properties"]["displayName"].str(), "often-20261125T101000Z");
}

TEST_P(ScheduleFirerTest, TwoServersFireOnce) {
  Server one(*this, "one"), two(*this, "two");
  one.firer->begin();
  two.firer->begin();
  schedule("busy", "* * * * *");
  time += minutes(60);
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) (void)two.firer->fire_due();
  });
  const auto made = jobs_of(*one.firer, 60);
  other.join();
  EXPECT_EQ(made.size(), 60u);
  for (const auto& [name, times] : made) EXPECT_EQ(times, 1) << name;
}

TEST_P(ScheduleFirerTest, WhatIsOlderThanADayIsLeftOut) {
  Server server(*this, "one");
  server.firer->begin();
  schedule("hourly", "0 * * * *");
  time += hours(24 * 10);
  EXPECT_EQ(jobs_of(*server.firer, 24).size(), 24u);
  EXPECT_GT(next_of("hourly").value(), time);
}

TEST_P(ScheduleFirerTest, TriesAgainWhatMayWorkLater) {
  jobs.busy = 1;
  Server server(*this, "one");
  server.firer->begin();
  schedule("daily", "0 12 * * *");
  time += hours(3);
  EXPECT_EQ(jobs_of(*server.firer, 1).size(), 1u);
}

TEST_P(ScheduleFirerTest, ARefusedJobDoesNotStopTheSchedule) {
  jobs.refuses = true;
  Server server(*this, "one");
  server.firer->begin();
  const Schedule made = schedule("daily", "0 12 * * *");
  time += hours(3);
  EXPECT_TRUE(jobs_of(*server.firer, 0).empty());
  EXPECT_EQ(format_iso8601_seconds(next_of("daily").value()), "2026-11-26T12:00:00Z");
  const Firing firing =
      db.handle("schedules")
          .read([&](db::Reader& reader) {
            return Store::firing(reader, made.workspace_id, "daily", made.next.value());
          })
          .value()
          .value();
  const auto run = server.engine->status(firing.run_id).value();
  EXPECT_EQ(run.state, workflow::State::kFailed);
  EXPECT_EQ(run.steps[0].attempt, 1);
}

TEST_P(ScheduleFirerTest, FiringsAndTheNextTimeAreOneTransaction) {
  const Schedule made = schedule("daily", "0 12 * * *");
  auto engine = workflow::Engine::create(db.handle("workflow")).value();  // knows no such step
  Firer firer(*engine, jobs, *vault, db.handle("schedules"), [this] { return time; });
  time += hours(3);
  EXPECT_FALSE(firer.fire_due().ok());
  EXPECT_EQ(next_of("daily"), made.next);
  Server server(*this, "one");
  server.firer->begin();
  EXPECT_EQ(jobs_of(*server.firer, 1).size(), 1u);
}

TEST_P(ScheduleFirerTest, TheSameTimeByHandIsTheSameFiring) {
  Server server(*this, "one");
  server.firer->begin();
  const Schedule made = schedule("daily", "0 12 * * *");
  const auto fire = [&] {
    return db.handle("schedules")
        .write([&](db::Tx& tx) { return server.firer->fire(tx, made, made.next.value()); })
        .value();
  };
  const Firing first = fire();
  EXPECT_EQ(fire().run_id, first.run_id);
  time += hours(3);
  EXPECT_EQ(jobs_of(*server.firer, 1), (std::map<std::string, int>{{"daily-20261125T120000Z", 1}}));
}

TEST_P(ScheduleFirerTest, ADisabledOrDeletedScheduleIsSilent) {
  Server server(*this, "one");
  server.firer->begin();
  Schedule off = schedule("off", "* * * * *");
  off.enabled = false;
  off.next = std::nullopt;
  const Schedule gone = schedule("gone", "* * * * *");
  db.handle("schedules")
      .write([&](db::Tx& tx) -> Result<void> {
        TRY(Store::put(tx, off));
        TRY(Store::remove(tx, gone.workspace_id, "GONE"));
        return {};
      })
      .value();
  time += hours(1);
  EXPECT_TRUE(jobs_of(*server.firer, 0).empty());
}

}  // namespace
}  // namespace lazuli::schedules
