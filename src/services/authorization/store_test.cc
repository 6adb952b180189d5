// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/store.h"

#include <gtest/gtest.h>

#include "db/testing.h"

namespace lazuli::authorization {
namespace {

class AuthorizationStoreTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  Result<void> give(Store& store, RoleAssignment assignment) {
    return store.handle().write(
        [&](db::Tx& tx) { return store.ensure_assignment(tx, assignment); });
  }
};
INSTANTIATE_TEST_SUITE_P(Drivers, AuthorizationStoreTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(AuthorizationStoreTest, AnAssignmentIsMadeOnce) {
  db::testing::TestDatabase db(GetParam(), Store::migrations());
  Store store(db.handle("authorization"));
  ASSERT_TRUE(give(store, {"a", "object", "owner", "/"}).ok());
  ASSERT_TRUE(give(store, {"b", "object", "reader", "/"}).ok());
  ASSERT_TRUE(give(store, {"c", "object", "reader", "/"}).ok());
  auto all = store.assignments();
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at(1).name, "b");
}

TEST_P(AuthorizationStoreTest, TakesOverWhatIdentityHeld) {
  db::testing::TestDatabase db(
      GetParam(), {{"identity", 1,
                    "CREATE TABLE identity_role_assignment (name {text} PRIMARY KEY, "
                    "object_id {text} NOT NULL, role_id {text} NOT NULL, scope {text} NOT NULL, "
                    "created_us {int} NOT NULL, UNIQUE (object_id, role_id, scope)); "
                    "INSERT INTO identity_role_assignment VALUES ('n', 'o', 'r', '/s', 7)"}});
  auto migrated = db->migrate(Store::migrations());
  ASSERT_TRUE(migrated.ok()) << migrated.error().message;
  auto all = Store(db.handle("authorization")).assignments();
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ(all->at(0).scope, "/s");
  EXPECT_FALSE(db.handle("identity")
                   .read([](db::Reader& reader) {
                     return reader.query("SELECT * FROM identity_role_assignment");
                   })
                   .ok());
}

}  // namespace
}  // namespace lazuli::authorization
