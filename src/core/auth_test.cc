// SPDX-License-Identifier: Apache-2.0
#include "core/auth.h"

#include <gtest/gtest.h>

namespace lazuli::core {
namespace {

constexpr Duration kHour = std::chrono::hours(1);

Principal principal(std::optional<std::vector<Grant>> grants, Duration left) {
  Verified verified;
  verified.object_id = "someone";
  verified.grants = std::move(grants);
  verified.expires = now() + left;
  return Authenticator::seal(std::move(verified));
}

TEST(DerivedCredentials, EndWithTheLimitedTokenTheyComeFrom) {
  EXPECT_EQ(lifetime_within(principal({}, kHour / 60), kHour), kHour);
  const Principal limited = principal(std::vector<Grant>{{{"*"}, "/"}}, kHour / 60);
  EXPECT_LE(lifetime_within(limited, kHour), kHour / 60);
  EXPECT_GT(lifetime_within(limited, kHour), kHour / 61);
  EXPECT_EQ(lifetime_within(principal(std::vector<Grant>{}, -kHour), kHour), Duration::zero());
}

TEST(DerivedCredentials, AreNotGivenToLimitedTokens) {
  EXPECT_TRUE(refuse_limited(principal({}, kHour)).ok());
  const auto refused = refuse_limited(principal(std::vector<Grant>{{{"*"}, "/"}}, kHour));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().wire_code, "AuthorizationFailed");
}

}  // namespace
}  // namespace lazuli::core
