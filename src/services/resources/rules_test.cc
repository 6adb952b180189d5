// SPDX-License-Identifier: Apache-2.0
// The service's rules that need no server: locks, tags, filters, differences.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"
#include "core/tags.h"
#include "db/testing.h"
#include "services/resources/deployment_store.h"
#include "services/resources/groups.h"
#include "services/resources/locks.h"
#include "services/resources/resource_filter.h"
#include "services/resources/store.h"
#include "services/resources/tags.h"
#include "services/resources/what_if.h"

namespace lazuli::resources {
namespace {

Json json(std::string_view text) { return Json::parse(text).value(); }

std::vector<db::Migration> migrations() {
  std::vector<db::Migration> all = Store::migrations();
  for (const auto& more : {DeploymentStore::migrations(), LockStore::migrations()})
    all.insert(all.end(), more.begin(), more.end());
  std::ranges::sort(all, {}, &db::Migration::number);
  return all;
}

Result<void> nothing_else(db::Tx&) { return {}; }

class ResourcesStores : public testing::TestWithParam<db::testing::Driver> {
 protected:
  db::testing::TestDatabase database{GetParam(), migrations()};
  db::Database::Handle handle = database.handle("resources");
};

TEST_P(ResourcesStores, LocksHoldBelowAndAbove) {
  LockStore store(handle);
  Locks locks;
  ASSERT_TRUE(locks.load(store).ok());
  const std::string group = "/subscriptions/s/resourceGroups/g",
                    thing = group + "/providers/A.B/c/d";
  EXPECT_TRUE(locks.check("A.B/c/delete", thing).ok());
  ASSERT_TRUE(store
                  .put({group, "keep", LockLevel::kCanNotDelete, "note", Json::array(), "me", "me",
                        now(), now()},
                       nothing_else)
                  .ok());
  ASSERT_TRUE(locks.load(store).ok());
  auto code = [&](std::string_view operation, const std::string& scope) {
    auto checked = locks.check(operation, scope);
    return checked.ok() ? std::string("ok") : checked.error().wire_code;
  };
  EXPECT_EQ(code("A.B/c/delete", thing), "ScopeLocked");
  EXPECT_EQ(code("A.B/c/delete", "/subscriptions/s/resourceGroups/G2/providers/A.B/c/d"), "ok");
  EXPECT_EQ(code("A.B/c/write", thing), "ok");
  EXPECT_EQ(code("A.B/c/listKeys/action", thing), "ok");
  EXPECT_EQ(code("Microsoft.Authorization/roleAssignments/delete",
                 group + "/providers/Microsoft.Authorization/roleAssignments/r"),
            "ScopeLocked");
  EXPECT_EQ(code("Microsoft.Authorization/locks/delete", group), "ok");
  EXPECT_EQ(code("Microsoft.Authorization/roleAssignments/delete", group), "ScopeLocked");
  EXPECT_EQ(code("Microsoft.Authorization/roleAssignments/delete", "/subscriptions/S"), "ok");
  EXPECT_EQ(code("A.B/subscriptions/delete", "/subscriptions/S"),
            "ScopeLocked");  // holds a locked one
  EXPECT_EQ(code("A.B/subscriptions/write", "/subscriptions/S"), "ok");

  // The strictest wins.
  ASSERT_TRUE(
      store
          .put({thing, "frozen", LockLevel::kReadOnly, "", Json::array(), "me", "me", now(), now()},
               nothing_else)
          .ok());
  ASSERT_TRUE(locks.load(store).ok());
  EXPECT_EQ(code("A.B/c/write", thing), "ScopeLocked");
  EXPECT_EQ(code("A.B/c/listKeys/action", thing + "/e/f"), "ScopeLocked");
  EXPECT_EQ(code("A.B/c/read", thing), "ok");
  EXPECT_EQ(code("A.B/c/write", group + "/providers/A.B/c/other"), "ok");
  EXPECT_TRUE(store.erase(group, "KEEP").value());
  locks.forget_below(group);
  EXPECT_TRUE(locks.all().empty());
  const auto erase = [&](db::Tx& tx) { return LockStore::erase_below(tx, to_lower(group)); };
  ASSERT_TRUE(handle.write(erase).ok());
  EXPECT_TRUE(store.all()->empty());
  auto refused =
      store.put({thing, "late", LockLevel::kReadOnly, "", Json::array(), "me", "me", now(), now()},
                [](db::Tx&) -> Result<void> { return being_deleted("g"); });
  EXPECT_EQ(refused.error().wire_code, "ResourceGroupBeingDeleted");
}

TEST_P(ResourcesStores, ListDeploymentsByPagesAndStates) {
  DeploymentStore store(handle);
  const std::string scope = "/subscriptions/S/resourceGroups/g";
  const Timestamp start = now();
  for (int i = 0; i < 5; ++i) {
    const bool good = i % 2 == 0;
    Deployment one{scope,
                   cat({"d", std::to_string(i)}),
                   cat({"run:", std::to_string(i)}),
                   good ? "Succeeded" : "Running",
                   json("{}"),
                   "",
                   start + std::chrono::seconds(i),
                   {}};
    if (good) one.ended = now();
    auto put = [&](db::Tx& tx) { return DeploymentStore::put(tx, one); };
    ASSERT_TRUE(handle.write(put).ok());
  }
  const auto names = [&](const std::string& state, DeploymentStore::Range range) {
    std::string all;
    auto found = store.list(to_lower(scope), state, range);
    for (const Deployment& each : found.value()) all += each.name;
    return all;
  };
  EXPECT_EQ(names("", {0, 10}), "d4d3d2d1d0");
  EXPECT_EQ(names("", {1, 2}), "d3d2");
  EXPECT_EQ(names("", {5, 2}), "");
  EXPECT_EQ(names("Succeeded", {1, 10}), "d2d0");
  EXPECT_EQ(names("Failed", {0, 10}), "");
  auto running =
      handle.write([&](db::Tx& tx) { return DeploymentStore::erase_all(tx, to_lower(scope)); });
  std::ranges::sort(running.value());
  EXPECT_EQ(join(*running, " "), "run:1 run:3");
  EXPECT_EQ(names("", {0, 10}), "");
}

TEST_P(ResourcesStores, AGroupThatIsBeingDeletedTakesNothing) {
  Store store(handle);
  core::Installation installation;
  installation.subscription_id = "S";
  Groups groups(installation);
  const std::string thing = "/subscriptions/s/resourceGroups/G/providers/A.B/c/d";
  const auto code = [&](core::Placement placement) {
    auto checked =
        handle.write([&](db::Tx& tx) { return core::check_group(groups, tx, placement); });
    return checked.ok() ? std::string("ok") : checked.error().wire_code;
  };
  EXPECT_EQ(code({thing}), "ServiceUnavailable") << "before the start";
  groups.open(store);
  EXPECT_EQ(code({thing}), "ResourceGroupNotFound");
  EXPECT_TRUE(store.put({"S", "g", "East US", Json::object()}).value());
  EXPECT_FALSE(store.put({"S", "G", "eastus", json(R"({"a":"b"})")}).value());
  EXPECT_EQ(store.find("s", "G").value()->tags.dump(), R"({"a":"b"})");
  EXPECT_EQ(store.put({"S", "g", "west", Json::object()}).error().wire_code,
            "InvalidResourceGroupLocation");
  EXPECT_EQ(code({thing}), "ok");
  EXPECT_EQ(code({"/subscriptions/other/resourceGroups/g/providers/A.B/c/d"}),
            "SubscriptionNotFound");
  EXPECT_EQ(code({thing, "East US"}), "ok");
  EXPECT_EQ(code({thing, ""}), "LocationRequired");
  EXPECT_EQ(code({thing, "../x"}), "LocationNotAvailableForResourceType");
  EXPECT_EQ(code({thing, "eastus", "East US"}), "ok");
  EXPECT_EQ(code({thing, "west", "East US"}), "InvalidResourceLocation");
  ASSERT_TRUE(store.begin_deleting("S", "g").ok());
  EXPECT_EQ(store.begin_deleting("S", "g").error().wire_code, "ResourceGroupBeingDeleted");
  EXPECT_EQ(code({thing}), "ResourceGroupBeingDeleted");
  EXPECT_FALSE(store.put({"S", "g", "eastus", Json::object()}).ok());
  ASSERT_TRUE(store.stop_deleting("S").ok()) << "at the next start";
  EXPECT_EQ(code({thing}), "ok");
  EXPECT_EQ(store.begin_deleting("S", "none").error().wire_code, "ResourceGroupNotFound");
}

TEST_P(ResourcesStores, KeepDeployments) {
  DeploymentStore store(handle);
  Deployment one{"/subscriptions/S/resourceGroups/g",
                 "Main",
                 "run:1",
                 "Accepted",
                 json(R"({"mode":"Incremental"})"),
                 std::string("se\0led", 6),
                 now(),
                 {}};
  auto put = [&] {
    return handle.write([&](db::Tx& tx) { return DeploymentStore::put(tx, one); });
  };
  ASSERT_TRUE(put().ok());
  auto found = store.find("/subscriptions/s/resourcegroups/G", "main").value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->name, "Main");
  EXPECT_EQ(found->sealed, one.sealed);
  one.run_id = "run:2";
  ASSERT_TRUE(put().ok());
  EXPECT_FALSE(store.find_run("run:1").value().has_value());
  one.state = "Succeeded";
  one.ended = now();
  ASSERT_TRUE(handle.write([&](db::Tx& tx) { return DeploymentStore::finish(tx, one); }).ok());
  EXPECT_EQ(store.find_run("run:2").value()->state, "Succeeded");
  EXPECT_TRUE(store.find_run("run:2").value()->sealed.empty());  // the secrets are gone
  EXPECT_EQ(store.list(one.scope, "", {0, 10})->size(), 1u);
  EXPECT_TRUE(store.erase(one.scope, "MAIN", nothing_else).value());
  EXPECT_FALSE(store.erase(one.scope, "MAIN", nothing_else).value());

  ASSERT_TRUE(store.put_result("r", "me", "sealed").ok());
  EXPECT_FALSE(store.find_result("r", "another").value().has_value());
  EXPECT_EQ(store.find_result("r", "me").value(), "sealed");
}

INSTANTIATE_TEST_SUITE_P(Drivers, ResourcesStores, db::testing::each_driver());

TEST(ResourcesTags, MergeReplaceAndDelete) {
  const Json before = json(R"({"Team": "a", "keep": "1"})");
  EXPECT_EQ(patched_tags(before, json(R"({"team": "b", "new": "2"})"), "Merge")->dump(),
            R"({"Team":"b","keep":"1","new":"2"})");
  EXPECT_EQ(patched_tags(before, json(R"({"only": "x"})"), "replace")->dump(), R"({"only":"x"})");
  EXPECT_EQ(patched_tags(before, json(R"({"team": "", "keep": "other"})"), "Delete")->dump(),
            R"({"keep":"1"})");
  EXPECT_FALSE(patched_tags(before, json("{}"), "Upsert").ok());
  EXPECT_FALSE(core::checked_tags(json(R"({"a": 1})")).ok());
  EXPECT_FALSE(core::checked_tags(json(R"({"a<b": "1"})")).ok());
  EXPECT_FALSE(core::checked_tags(json("[]")).ok());
  EXPECT_EQ(core::checked_tags(Json())->dump(), "{}");
}

TEST(ResourcesFilter, FindsByWhatItNames) {
  const Json resource = json(R"({"id": "/subscriptions/s/resourceGroups/Rg/providers/A.B/c/d",
      "name": "d", "type": "A.B/c", "location": "local", "tags": {"env": "prod", "x": "y"}})");
  auto matches = [&](std::string_view text) {
    auto filter = ResourceFilter::parse(text);
    return filter.ok() ? (filter->matches(resource) ? "yes" : "no") : "refused";
  };
  EXPECT_STREQ(matches(""), "yes");
  EXPECT_STREQ(matches("resourceType eq 'a.b/C'"), "yes");
  EXPECT_STREQ(matches("resourceType eq 'A.B/x' or name eq 'd'"), "yes");
  EXPECT_STREQ(matches("resourceGroup eq 'rg' and location ne 'local'"), "no");
  EXPECT_STREQ(matches("tagName eq 'env' and tagValue eq 'prod'"), "yes");
  EXPECT_STREQ(matches("tagName eq 'env' and tagValue eq 'y'"), "no");
  EXPECT_STREQ(matches("startswith(tagName, 'en')"), "yes");
  EXPECT_STREQ(matches("substringof('D', name)"), "yes");
  EXPECT_STREQ(matches("name eq 'it''s and more'"), "no");
  EXPECT_STREQ(matches("password eq 'x'"), "refused");
  EXPECT_STREQ(matches("name eq d"), "refused");
  EXPECT_STREQ(matches("name"), "refused");
}

TEST(ResourcesWhatIf, ComparesWhatIsWanted) {
  const Json before = json(R"({"location": "local", "tags": {"a": "1", "b": "2"},
      "properties": {"x": 1, "made": true, "list": [1], "same": {"y": 2}}})");
  auto changes = [&](std::string_view after) {
    std::string all;
    const Json found = differences(before, json(after));
    for (const Json& each : found.items())
      all += cat({each["propertyChangeType"].str(), " ", each["path"].str(), "; "});
    return all;
  };
  EXPECT_EQ(changes(R"({"location": "Local", "properties": {"x": 1.0, "same": {"y": 2}}})"), "");
  EXPECT_EQ(changes(R"({"tags": {"a": "1", "c": "3"}})"), "Create tags.c; Delete tags.b; ");
  EXPECT_EQ(changes(R"({"properties": {"x": 2, "list": [2], "new": "v", "gone": null}})"),
            "Modify properties.x; Array properties.list; Create properties.new; ");
  EXPECT_EQ(changes(R"({"properties": {"x": "[reference('later').x]"}})"), "");
}

}  // namespace
}  // namespace lazuli::resources
