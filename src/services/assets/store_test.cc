// SPDX-License-Identifier: Apache-2.0
#include "services/assets/store.h"

#include <gtest/gtest.h>

#include "db/testing.h"
#include "services/assets/kinds.h"
#include "services/assets/reference.h"

namespace lazuli::assets {
namespace {

class AssetsStoreTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  void put(Kind kind, std::string name, std::string version, Json properties) {
    StoredVersion stored{{"/WS", kind, std::move(name), std::move(version)},
                         std::move(properties),
                         {"me", "me", now(), now()}};
    ASSERT_TRUE(handle.write([&](db::Tx& tx) { return store.put(tx, stored); }).ok());
  }
  db::testing::TestDatabase db{GetParam(), Store::migrations()};
  db::Database::Handle handle = db.handle("assets");
  Store store{handle};
};
INSTANTIATE_TEST_SUITE_P(Drivers, AssetsStoreTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(AssetsStoreTest, TheLatestIsTheOneMadeLast) {
  put(Kind::kData, "d", "2", Json::object());
  put(Kind::kData, "d", "10", Json::object());
  put(Kind::kData, "d", "named", Json::object());
  EXPECT_EQ(store.latest("/ws", Kind::kData, "d")->value().key.version, "named");
  EXPECT_EQ(store.container("/ws", Kind::kData, "d")->value().next_version, "11");
  put(Kind::kData, "d", "named", Json::object({{"isArchived", true}}));
  EXPECT_EQ(store.latest("/ws", Kind::kData, "d")->value().key.version, "10");
  EXPECT_EQ(store.versions("/ws", Kind::kData, "d", View::kArchived, {})->size(), 1u);
  EXPECT_EQ(store.versions("/ws", Kind::kData, "d", View::kAll, {2, 0})->size(), 2u);
  EXPECT_FALSE(store.latest("/other", Kind::kData, "d")->has_value());
}

TEST_P(AssetsStoreTest, CodeIsFoundByItsHashWhateverItsName) {
  Json properties = Json::object({{"properties", Json::object({{"hash_sha256", "abc"}})}});
  put(Kind::kCode, "guid-1", "1", properties);
  put(Kind::kModel, "guid-2", "1", properties);
  ASSERT_EQ(store.codes_by_hash("/ws", "abc")->size(), 1u);
  EXPECT_EQ(store.codes_by_hash("/ws", "abc")->at(0).key.name, "guid-1");
}

TEST_P(AssetsStoreTest, AnonymousAssetsStayOutOfLists) {
  put(Kind::kModel, "hidden", "1", Json::object({{"isAnonymous", true}}));
  put(Kind::kModel, "shown", "1", Json::object());
  auto listed = store.containers("/ws", Kind::kModel, View::kActive, {});
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->at(0).name, "shown");
  EXPECT_EQ(store.all("/ws", Kind::kModel, 10)->size(), 1u);
  const auto nothing_else = [](db::Tx&) -> Result<void> { return {}; };
  EXPECT_TRUE(*store.remove({"/ws", Kind::kModel, "shown", "1"}, nothing_else));
  EXPECT_FALSE(*store.remove({"/ws", Kind::kModel, "shown", "1"}, nothing_else));
}

TEST(AssetsReference, EveryFormClientsSend) {
  const KindInfo& environment = info(Kind::kEnvironment);
  auto parse = [&](std::string_view text) { return parse_reference(environment, text); };
  EXPECT_EQ(parse("azureml:e:3")->version, "3");
  EXPECT_EQ(parse("e@latest")->label, "latest");
  EXPECT_EQ(parse("azureml://registries/azureml/environments/sk/labels/latest")->registry,
            "azureml");
  EXPECT_EQ(parse("/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/"
                  "workspaces/w/environments/e/versions/5")
                ->version,
            "5");
  for (const char* bad : {"", "e", "e:", ":1", "azureml://registries/azureml/models/m/versions/1",
                          "/subscriptions/s/resourceGroups/g"})
    EXPECT_FALSE(parse(bad).ok()) << bad;
}

TEST(AssetsKinds, NamesAndProperties) {
  for (const char* good : {"a", "A-b_c.d", "_x", "0"})
    EXPECT_TRUE(check_asset_name("name", good).ok()) << good;
  for (const char* bad : {"", ".x", "-x", "a/b", "..", "a b"})
    EXPECT_FALSE(check_asset_name("name", bad).ok()) << bad;
  const KindInfo& model = info(Kind::kModel);
  EXPECT_FALSE(complete_properties(model, "m", "1", Json::object()).ok());
  auto completed = complete_properties(model, "m", "1", Json::object({{"modelUri", "u"}}));
  EXPECT_EQ((*completed)["modelType"].str(), "custom_model");
  EXPECT_TRUE((*completed)["flavors"].is_object());
}

}  // namespace
}  // namespace lazuli::assets
