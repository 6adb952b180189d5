// SPDX-License-Identifier: Apache-2.0
#include "services/runs/store.h"

#include <gtest/gtest.h>

#include <cmath>

#include "db/testing.h"
#include "services/runs/model_store.h"

namespace lazuli::runs {
namespace {

std::vector<db::Migration> all_migrations() {
  std::vector<db::Migration> all = Store::migrations();
  for (db::Migration& each : ModelStore::migrations()) all.push_back(std::move(each));
  return all;
}

class RunsStoreTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  runs::Run make(std::string id, std::string parent = {}) {
    runs::Run run;
    run.workspace_id = "/WS", run.run_id = std::move(id), run.parent_run_id = std::move(parent);
    run.run_type = "mlflow", run.created = now();
    EXPECT_TRUE(handle
                    .write([&](db::Tx& tx) -> Result<void> {
                      run.experiment_id = TRY(store.ensure_experiment(tx, "/WS", "e")).id;
                      return store.insert(tx, run);
                    })
                    .ok());
    return run;
  }
  template <typename F>
  Result<void> write(F action) {
    return handle.write([&](db::Tx& tx) -> Result<void> { return action(tx); });
  }
  db::testing::TestDatabase db{GetParam(), all_migrations()};
  db::Database::Handle handle = db.handle("runs");
  Store store{handle};
  ModelStore models{handle};
};
INSTANTIATE_TEST_SUITE_P(Drivers, RunsStoreTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(RunsStoreTest, RunsAndTheirChildren) {
  runs::Run parent = make("p");
  make("c1", "p"), make("c2", "p");
  EXPECT_EQ(store.children("/ws", "p")->size(), 2u);
  EXPECT_EQ(store.in_experiments("/ws", {parent.experiment_id})->size(), 3u);
  EXPECT_FALSE(store.find("/other", "p")->has_value());
  parent.status = "Failed";
  parent.error = Error{Code::kInternal, "UserError", "it broke", {}, {}};
  ASSERT_TRUE(write([&](db::Tx& tx) { return store.update(tx, parent); }).ok());
  auto found = store.find("/ws", "p");
  EXPECT_EQ((*found)->error->message, "it broke");
}

TEST_P(RunsStoreTest, TheLatestMetricIsThatOfTheHighestStep) {
  make("r");
  std::vector<Metric> metrics = {{"a", 1.0, 10, 0},
                                 {"a", 3.0, 12, 2},
                                 {"a", 2.0, 11, 1},
                                 {"n", std::nan(""), 1, 0},
                                 {"i", -INFINITY, 1, 0}};
  ASSERT_TRUE(write([&](db::Tx& tx) { return store.add_metrics(tx, "r", metrics); }).ok());
  auto data = store.data("r");
  ASSERT_EQ(data->metrics.size(), 3u);
  EXPECT_EQ(data->metrics[0].value, 3.0);
  EXPECT_EQ(data->metrics[1].value, -INFINITY);
  EXPECT_TRUE(std::isnan(data->metrics[2].value));
  auto history = store.history("r", "a", 10, 0);
  ASSERT_EQ(history->size(), 3u);
  EXPECT_EQ(history->at(1).value, 2.0);
}

TEST_P(RunsStoreTest, AParamNeverChanges) {
  make("r");
  auto add = [&](std::string value) {
    return write([&](db::Tx& tx) { return store.add_params(tx, "r", {{"k", value}}); });
  };
  EXPECT_TRUE(add("v").ok());
  EXPECT_TRUE(add("v").ok());
  EXPECT_EQ(add("w").error().wire_code, "INVALID_PARAMETER_VALUE");
  EXPECT_EQ(store.data("r")->params.at(0).value, "v");
}

TEST_P(RunsStoreTest, RegisteredModelsKeepTheirAliases) {
  RegisteredModel model;
  model.name = "m";
  EXPECT_TRUE(*models.insert_registered("/WS", model));
  EXPECT_FALSE(*models.insert_registered("/ws", model));
  model.aliases.set("best", "2");
  ASSERT_TRUE(models.update_registered("/ws", model).ok());
  EXPECT_EQ((*models.registered("/ws", "m"))->aliases["best"].str(), "2");
}

TEST_P(RunsStoreTest, LoggedModels) {
  LoggedModel model;
  model.model_id = "m-1", model.workspace_id = "/WS", model.experiment_id = "e";
  model.status = "PENDING";
  ASSERT_TRUE(models.put_logged(model).ok());
  model.status = "READY";
  ASSERT_TRUE(models.put_logged(model).ok());
  EXPECT_EQ((*models.logged("/ws", "m-1"))->status, "READY");
  EXPECT_EQ(models.logged_in("/ws", {"e", "other"})->size(), 1u);
}

}  // namespace
}  // namespace lazuli::runs
