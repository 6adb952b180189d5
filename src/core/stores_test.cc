// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/events_store.h"
#include "core/operations_store.h"
#include "db/testing.h"

namespace lazuli::core {
namespace {

std::vector<db::Migration> all_migrations() {
  std::vector<db::Migration> all = operations_migrations();
  for (db::Migration& each : StoredEvents::migrations()) all.push_back(std::move(each));
  all.push_back({"effects", 1, "CREATE TABLE effects_seen (id {id}, data {text} NOT NULL)"});
  return all;
}

class CoreStoresTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  db::testing::TestDatabase db{GetParam(), all_migrations()};
};
INSTANTIATE_TEST_SUITE_P(Drivers, CoreStoresTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(CoreStoresTest, AnOperationIsWaitedForAndEndsOnce) {
  auto operations = make_operations(db.handle("core"));
  db::Database::Handle handle = db.handle("core");
  auto id = handle.write([&](db::Tx& tx) { return operations->begin(tx, "/resource"); });
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(operations->wait(*id, std::chrono::milliseconds(10))->state,
            OperationState::kInProgress);
  std::thread finisher([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    (void)handle.write([&](db::Tx& tx) {
      return operations->finish(tx, *id, Error{Code::kInternal, "Broken", "it broke", {}, {}});
    });
  });
  auto ended = operations->wait(*id, std::chrono::seconds(10));
  finisher.join();
  EXPECT_EQ(ended->state, OperationState::kFailed);
  EXPECT_EQ(ended->error->message, "it broke");
  (void)handle.write([&](db::Tx& tx) { return operations->finish(tx, *id, {}); });
  EXPECT_EQ(operations->get(*id)->state, OperationState::kFailed);
  EXPECT_EQ(operations->get("unknown").error().code, Code::kNotFound);
}

TEST_P(CoreStoresTest, AnEventsEffectHappensOnceAndAFailureIsTriedAgain) {
  auto events = StoredEvents::create(db.handle("core"));
  db::Database::Handle effects = db.handle("effects");
  std::mutex mutex;
  std::condition_variable changed;
  int tries = 0, seen = 0;
  events->subscribe(
      "topic", "consumer", effects, [&](db::Tx& tx, const Event& event) -> Result<void> {
        {
          std::lock_guard lock(mutex);
          if (++tries == 1) return internal_error("not this time");
        }
        TRY(tx.exec("INSERT INTO effects_seen (data) VALUES (?)", {event.data["n"].integer()}));
        tx.after_commit([&] {
          std::lock_guard lock(mutex);
          ++seen;
          changed.notify_all();
        });
        return {};
      });
  events->start();
  for (int n = 0; n < 3; ++n)
    ASSERT_TRUE(effects
                    .write([&](db::Tx& tx) {
                      return events->publish(tx, "topic", Json::object({{"n", n}}));
                    })
                    .ok());
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return seen == 3; }));
  }
  events->stop();
  auto rows = effects.read([&](db::Reader& reader) {
    return reader.query("SELECT data FROM effects_seen ORDER BY id");
  });
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ(rows->at(0).text(0), "0");
}

TEST_P(CoreStoresTest, AnAttachedEffectIsPartOfWhatCausesIt) {
  auto events = StoredEvents::create(db.handle("core"));
  db::Database::Handle effects = db.handle("effects"), core = db.handle("core");
  std::string refused;
  events->attach(kResourceDeleted, effects, [&](db::Tx& tx, const Event& event) -> Result<void> {
    if (event.data["id"].str() == refused) return conflict("it stays", "Stays");
    TRY(tx.exec("INSERT INTO effects_seen (data) VALUES (?)", {event.data["id"].text()}));
    return {};
  });
  events->attach("other", effects, [](db::Tx&, const Event&) -> Result<void> {
    return internal_error("not its topic");
  });
  const auto erase = [&](const std::string& id) {
    return core.write([&](db::Tx& tx) { return publish_deleted(*events, tx, id); });
  };
  const auto seen = [&] {
    return effects
        .read([](db::Reader& reader) { return reader.query("SELECT data FROM effects_seen"); })
        ->size();
  };
  ASSERT_TRUE(erase("/a").ok());
  EXPECT_EQ(seen(), 1u) << "before anything is delivered";
  refused = "/b";
  EXPECT_EQ(erase("/b").error().wire_code, "Stays");
  EXPECT_EQ(seen(), 1u);
  auto failed = core.write([&](db::Tx& tx) -> Result<void> {
    TRY(publish_deleted(*events, tx, "/c"));
    return conflict("the rest of it fails");
  });
  EXPECT_FALSE(failed.ok());
  EXPECT_EQ(seen(), 1u) << "neither happens";
}

}  // namespace
}  // namespace lazuli::core
