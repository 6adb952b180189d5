// SPDX-License-Identifier: Apache-2.0
#include "services/identity/store.h"

#include <gtest/gtest.h>

#include "core/events_store.h"
#include "core/operations_store.h"
#include "core/root_key.h"
#include "core/vault.h"
#include "crypto/random.h"
#include "db/testing.h"
#include "services/identity/tokens.h"

namespace lazuli::identity {
namespace {

std::vector<db::Migration> migrations() {
  std::vector<db::Migration> all = Store::migrations();
  for (auto& more : {directory::directory_migrations(), core::StoredEvents::migrations(),
                     core::operations_migrations()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

class IdentityTokensTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  void SetUp() override {
    installation.domain = "lazuli.localhost";
    installation.tenant_id = "11111111-2222-3333-4444-555555555555";
    principal = directory->ensure_service_principal("p").value();
    tokens = Tokens::create(installation, store, *vault, *directory).value();
  }
  std::string issue(TokenRequest request) {
    return std::string(
        tokens->issue({principal.app_id, principal.object_id, principal.name}, request).expose());
  }
  static constexpr std::string_view kAudience = "https://management.lazuli.localhost";

  db::testing::TestDatabase db{GetParam(), migrations()};
  Store store{db.handle("identity")};
  core::Installation installation;
  std::unique_ptr<core::Vault> vault = core::make_vault(crypto::random_secret(32));
  std::unique_ptr<core::StoredEvents> events = core::StoredEvents::create(db.handle("core"));
  std::unique_ptr<directory::Directory> directory =
      directory::open_directory(db.handle("directory"), *vault, *events).value();
  directory::Principal principal;
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
  EXPECT_EQ(verified->object_id, principal.object_id);
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

TEST_P(IdentityTokensTest, ATokenEndsWithItsPrincipal) {
  TokenRequest request{"object", std::string(kAudience), std::chrono::hours(1), {}, {}};
  std::string token = issue(request);
  ASSERT_TRUE(tokens->verify_token(token, kAudience).ok());
  db::Database::Handle handle = db.handle("identity");
  auto set_enabled = [&](bool enabled) {
    return handle.write(
        [&](db::Tx& tx) { return directory->set_enabled(tx, principal.object_id, enabled); });
  };
  ASSERT_TRUE(set_enabled(false).ok());
  EXPECT_EQ(tokens->verify_token(token, kAudience).error().code, Code::kUnauthenticated);
  ASSERT_TRUE(set_enabled(true).ok());
  EXPECT_TRUE(tokens->verify_token(token, kAudience).ok());
  auto end = [&](db::Tx& tx) { return directory->end_sessions(tx, principal.object_id); };
  ASSERT_TRUE(handle.write(end).ok());
  EXPECT_EQ(tokens->verify_token(token, kAudience).error().code, Code::kUnauthenticated);
}

TEST_P(IdentityTokensTest, KeysSurviveAndStrangersAreRefused) {
  TokenRequest request{"object", std::string(kAudience), std::chrono::hours(1), {}, {}};
  std::string token = issue(request);
  auto reloaded = Tokens::create(installation, store, *vault, *directory);
  ASSERT_TRUE(reloaded.ok());
  EXPECT_TRUE((*reloaded)->verify_token(token, kAudience).ok());
  core::Installation other = installation;
  other.tenant_id = "99999999-2222-3333-4444-555555555555";
  auto stranger = Tokens::create(other, store, *vault, *directory);
  EXPECT_FALSE((*stranger)->verify_token(token, kAudience).ok());
}

}  // namespace
}  // namespace lazuli::identity
