// SPDX-License-Identifier: Apache-2.0
#include "services/identity/store.h"

#include <gtest/gtest.h>

#include "core/root_key.h"
#include "core/vault.h"
#include "crypto/random.h"
#include "db/testing.h"
#include "services/identity/roles.h"
#include "services/identity/tokens.h"

namespace lazuli::identity {
namespace {

class IdentityStoreTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  db::testing::TestDatabase db{GetParam(), Store::migrations()};
  Store store{db.handle("identity")};
};
INSTANTIATE_TEST_SUITE_P(Drivers, IdentityStoreTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(IdentityStoreTest, APrincipalIsMadeOnceAndItsRolesAdd) {
  auto first = store.ensure_principal("p", std::string(kOwnerRole), "/");
  ASSERT_TRUE(first.ok());
  auto again = store.ensure_principal("p", std::string(kReaderRole), "/");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(first->app_id, again->app_id);
  ASSERT_TRUE(store.ensure_principal("p", std::string(kReaderRole), "/").ok());
  EXPECT_EQ(store.assignments()->size(), 2u);
  EXPECT_EQ(store.find_by_app_id(first->app_id)->value().object_id, first->object_id);
  EXPECT_EQ(store.find_by_object_id(first->object_id)->value().name, "p");
  EXPECT_FALSE(store.find_by_app_id("nobody")->has_value());
}

TEST_P(IdentityStoreTest, SecretsAreKeptAsHashesOfTheirPrincipal) {
  auto principal = store.ensure_principal("p", std::string(kOwnerRole), "/");
  ASSERT_TRUE(store.add_secret_hash(principal->app_id, "h1").ok());
  ASSERT_TRUE(store.add_secret_hash(principal->app_id, "h2").ok());
  EXPECT_EQ(store.secret_hashes(principal->app_id)->size(), 2u);
  EXPECT_TRUE(store.secret_hashes("nobody")->empty());
  EXPECT_FALSE(store.add_secret_hash("nobody", "h").ok());
}

class IdentityTokensTest : public IdentityStoreTest {
 protected:
  void SetUp() override {
    installation.domain = "lazuli.localhost";
    installation.tenant_id = "11111111-2222-3333-4444-555555555555";
    tokens = Tokens::create(installation, store, *vault).value();
  }
  std::string issue(TokenRequest request) {
    return std::string(tokens->issue({"app", "object", "name"}, request).expose());
  }
  static constexpr std::string_view kAudience = "https://management.lazuli.localhost";

  core::Installation installation;
  std::unique_ptr<core::Vault> vault = core::make_vault(crypto::random_secret(32));
  std::unique_ptr<Tokens> tokens;
};
INSTANTIATE_TEST_SUITE_P(Drivers, IdentityTokensTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(IdentityTokensTest, OneAudienceWhateverThePort) {
  TokenRequest request{
      "object", "https://management.lazuli.localhost:8443/", std::chrono::hours(1), {}, {}};
  std::string token = issue(request);
  auto verified = tokens->verify_token(token, kAudience);
  ASSERT_TRUE(verified.ok()) << verified.error().message;
  EXPECT_EQ(verified->object_id, "object");
  EXPECT_FALSE(verified->grants.has_value());
  EXPECT_EQ(tokens->verify_token(token, "https://storage.azure.com").error().wire_code,
            "InvalidAuthenticationTokenAudience");
}

TEST_P(IdentityTokensTest, AnExpiredTokenIsRefused) {
  TokenRequest request{"object", std::string(kAudience), std::chrono::minutes(-2), {}, {}};
  EXPECT_EQ(tokens->verify_token(issue(request), kAudience).error().wire_code,
            "ExpiredAuthenticationToken");
}

TEST_P(IdentityTokensTest, GrantsTravelInTheToken) {
  TokenRequest request{
      "object", std::string(kAudience), std::chrono::hours(1), {{{"a/*", "b/read"}, "/scope"}}, {}};
  auto verified = tokens->verify_token(issue(request), kAudience);
  ASSERT_TRUE(verified.ok() && verified->grants);
  EXPECT_EQ(verified->grants->at(0).scope, "/scope");
  EXPECT_EQ(verified->grants->at(0).operations, (std::vector<std::string>{"a/*", "b/read"}));
}

TEST_P(IdentityTokensTest, AJobsTokenEndsWithTheJob) {
  TokenRequest request{"object", std::string(kAudience), std::chrono::hours(1), {}, "job1"};
  std::string token = issue(request);
  EXPECT_TRUE(tokens->verify_token(token, kAudience).ok());
  db::Database::Handle handle = db.handle("identity");
  ASSERT_TRUE(handle.write([&](db::Tx& tx) { return store.revoke_job(tx, "job1"); }).ok());
  EXPECT_EQ(tokens->verify_token(token, kAudience).error().code, Code::kUnauthenticated);
}

TEST_P(IdentityTokensTest, KeysSurviveAndStrangersAreRefused) {
  TokenRequest request{"object", std::string(kAudience), std::chrono::hours(1), {}, {}};
  std::string token = issue(request);
  auto reloaded = Tokens::create(installation, store, *vault);
  ASSERT_TRUE(reloaded.ok());
  EXPECT_TRUE((*reloaded)->verify_token(token, kAudience).ok());
  core::Installation other = installation;
  other.tenant_id = "99999999-2222-3333-4444-555555555555";
  auto stranger = Tokens::create(other, store, *vault);
  EXPECT_FALSE((*stranger)->verify_token(token, kAudience).ok());
}

}  // namespace
}  // namespace lazuli::identity
