// SPDX-License-Identifier: Apache-2.0
#include "core/auth.h"

#include <gtest/gtest.h>

#include "core/vault.h"
#include "crypto/random.h"

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

TEST(KeptCallers, AreWhoTheyWereAndNobodyElse) {
  const auto vault = make_vault(crypto::random_secret(32));
  const Principal caller = principal(std::vector<Grant>{{{"*/read", "*/write"}, "/s"}}, kHour);
  const std::string kept = keep_caller(caller, *vault);
  const auto recalled = recall_caller(kept, *vault);
  ASSERT_TRUE(recalled.ok()) << recalled.error().message;
  EXPECT_EQ(recalled->object_id(), "someone");
  EXPECT_EQ(recalled->expires(), caller.expires());
  EXPECT_EQ(caller.kept(), Timestamp{});
  EXPECT_GT(recalled->kept(), now() - std::chrono::minutes(1));
  // Kept once more, it is no younger.
  EXPECT_EQ(recall_caller(keep_caller(*recalled, *vault), *vault)->kept(), recalled->kept());
  ASSERT_TRUE(recalled->grants().has_value());
  EXPECT_EQ(recalled->grants()->at(0).operations.size(), 2u);
  EXPECT_EQ(recalled->grants()->at(0).scope, "/s");
  EXPECT_FALSE(recall_caller(kept, *make_vault(crypto::random_secret(32))).ok());
  std::string changed = kept;
  changed[changed.size() / 2] = static_cast<char>(changed[changed.size() / 2] ^ 1);
  EXPECT_FALSE(recall_caller(changed, *vault).ok());
  EXPECT_FALSE(recall_caller("{\"object\":\"owner\"}", *vault).ok());
}

TEST(KeptCallers, TheServerItselfOnlyReads) {
  const Principal reader = server_reader("Azure Resource Manager");
  EXPECT_TRUE(grants_cover(reader, {"Microsoft.X/things/read"}, "/subscriptions/s"));
  EXPECT_FALSE(grants_cover(reader, {"Microsoft.X/things/write"}, "/subscriptions/s"));
  EXPECT_FALSE(grants_cover(reader, {"Microsoft.X/things/listKeys/action"}, "/subscriptions/s"));
}

TEST(DerivedCredentials, AreNotGivenToLimitedTokens) {
  EXPECT_TRUE(refuse_limited(principal({}, kHour)).ok());
  const auto refused = refuse_limited(principal(std::vector<Grant>{{{"*"}, "/"}}, kHour));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().wire_code, "AuthorizationFailed");
}

}  // namespace
}  // namespace lazuli::core
