// SPDX-License-Identifier: Apache-2.0
#include "services/identity/store.h"

#include "services/identity/sign_in_store.h"
#include "services/identity/testing.h"

namespace lazuli::identity {
namespace {

class IdentityStoreTest : public IdentityFixture {};
INSTANTIATE_TEST_SUITE_P(Drivers, IdentityStoreTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(IdentityStoreTest, TheSignInLogIsBounded) {
  SignInStore log(db.handle("identity"));
  for (int i = 0; i < 5; ++i) {
    SignIn entry;
    entry.time = now() - std::chrono::hours(10 - i);
    entry.name = std::to_string(i);
    ASSERT_TRUE(log.add(entry).ok());
  }
  auto latest = log.latest(2, 0);
  ASSERT_EQ(latest->size(), 2u);
  EXPECT_EQ(latest->at(0).name, "4");
  EXPECT_EQ(log.latest(9, latest->at(1).id)->at(0).name, "2");
  ASSERT_TRUE(log.drop_before(now() - std::chrono::minutes(9 * 60 + 30), 3).ok());
  EXPECT_EQ(log.latest(9, 0)->size(), 3u);
}

}  // namespace
}  // namespace lazuli::identity
