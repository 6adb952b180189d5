// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/store.h"

#include <gtest/gtest.h>

#include "db/testing.h"

namespace lazuli::jobs {
namespace {

Job job(std::string id, std::string parent = {}, std::string root = {}) {
  Job made{.id = id, .workspace_id = "/ws", .parent_id = std::move(parent)};
  made.root_id = root.empty() ? id : std::move(root);
  made.step = made.parent_id.empty() ? "command" : "step_" + id;
  made.type = kCommand;
  made.properties = Json::object({{"command", "true"}});
  return made;
}

class JobsStoreTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  template <typename F>
  auto write(F action) {
    return handle.write([&](db::Tx& tx) { return action(tx); });
  }
  template <typename F>
  auto read(F action) {
    return handle.read([&](db::Reader& reader) { return action(reader); });
  }
  Result<bool> insert(const Job& made) {
    return write([&](db::Tx& tx) { return Store::insert(tx, made); });
  }

  db::testing::TestDatabase db{GetParam(), Store::migrations()};
  db::Database::Handle handle = db.handle("jobs");
};
INSTANTIATE_TEST_SUITE_P(Drivers, JobsStoreTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(JobsStoreTest, KeepsJobsAndRefusesAUsedId) {
  EXPECT_TRUE(*insert(job("a")));
  EXPECT_FALSE(*insert(job("a")));
  const auto found = read([](auto& db) { return Store::find(db, "/ws", "a"); });
  ASSERT_TRUE(found.ok() && *found);
  EXPECT_EQ((*found)->properties["command"].str(), "true");
  EXPECT_FALSE((*found)->ended);
  EXPECT_FALSE(*read([](auto& db) { return Store::find(db, "/other", "a"); }));
}

TEST_P(JobsStoreTest, ListsSubmittedJobsNewestFirst) {
  Job old = job("old"), young = job("young"), pipeline = job("pipe");
  old.created = from_micros(1);
  young.created = from_micros(2);
  pipeline.created = from_micros(3);
  pipeline.type = kPipeline;
  for (const Job& made : {old, young, pipeline, job("child", "pipe", "pipe")}) {
    ASSERT_TRUE(*insert(made));
  }
  const auto all = read([](auto& db) { return Store::list(db, "/ws", "", 0, 10); });
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ(all->front().id, "pipe");
  EXPECT_EQ(all->back().id, "old");
  const auto commands = read([](auto& db) { return Store::list(db, "/ws", "Command", 1, 10); });
  ASSERT_EQ(commands->size(), 1u);
  EXPECT_EQ(commands->front().id, "old");
}

TEST_P(JobsStoreTest, KnowsAFamilyAndForgetsIt) {
  for (const Job& made : {job("p"), job("c2", "p", "p"), job("c1", "p", "p"), job("other")}) {
    ASSERT_TRUE(*insert(made));
  }
  const auto family = read([](auto& db) { return Store::family(db, "p"); });
  ASSERT_EQ(family->size(), 3u);
  EXPECT_EQ((*family)[0].id, "p");
  EXPECT_EQ((*family)[1].id, "c2");
  const auto child = read([](auto& db) { return Store::find_by_step(db, "p", "step_c1"); });
  EXPECT_EQ((*child)->id, "c1");
  ASSERT_TRUE(write([](db::Tx& tx) { return Store::remove_family(tx, "p"); }).ok());
  EXPECT_TRUE(read([](auto& db) { return Store::family(db, "p"); })->empty());
  EXPECT_TRUE(*read([](auto& db) { return Store::find(db, "/ws", "other"); }));
}

TEST_P(JobsStoreTest, PublishesAnAttemptOnce) {
  const Json result = Json::object({{"outputs", Json::object()}});
  const auto publish = [&] {
    return write([&](db::Tx& tx) { return Store::put_publication(tx, "r/s/1", result); });
  };
  EXPECT_TRUE(publish().ok());
  EXPECT_FALSE(publish().ok());
  EXPECT_EQ(**read([](auto& db) { return Store::publication(db, "r/s/1"); }), result);
  EXPECT_FALSE(*read([](auto& db) { return Store::publication(db, "r/s/2"); }));
}

TEST_P(JobsStoreTest, KeepsAttemptsAndOutputs) {
  ASSERT_TRUE(
      write([](db::Tx& tx) { return Store::put_attempt(tx, {"r/s/1", "r.1", "r", 10}); }).ok());
  ASSERT_TRUE(
      write([](db::Tx& tx) { return Store::put_attempt(tx, {"r/s/1", "r.1", "r", 20}); }).ok());
  const auto row = read([](auto& db) { return Store::attempt_of_process(db, "r.1"); });
  EXPECT_EQ((*row)->log_base, 20u);
  for (const char* asset : {"first", "second"}) {
    ASSERT_TRUE(write([&](db::Tx& tx) {
                  return Store::put_output(tx, {"r", "model", asset, "custom_model"});
                }).ok());
  }
  const auto outputs = read([](auto& db) { return Store::outputs(db, "r"); });
  ASSERT_EQ(outputs->size(), 1u);
  EXPECT_EQ(outputs->front().asset_id, "second");
}

TEST_P(JobsStoreTest, ExecutionLogsWaitUntilTheyAreWritten) {
  ASSERT_TRUE(*insert(job("p")));
  for (const char* line : {"one", "two"}) {
    ASSERT_TRUE(write([&](db::Tx& tx) { return Store::add_line(tx, "p", line); }).ok());
  }
  const auto pending = read([](auto& db) { return Store::pending_logs(db); });
  ASSERT_EQ(pending->size(), 1u);
  EXPECT_EQ(pending->front().text, "one\ntwo\n");
  ASSERT_TRUE(write([](db::Tx& tx) { return Store::add_line(tx, "p", "three"); }).ok());
  ASSERT_TRUE(write([&](db::Tx& tx) {
                return Store::set_written(tx, "p", pending->front().last_line);
              }).ok());
  EXPECT_EQ(read([](auto& db) { return Store::pending_logs(db); })->front().text,
            "one\ntwo\nthree\n");
}

}  // namespace
}  // namespace lazuli::jobs
