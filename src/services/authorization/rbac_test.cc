// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/rbac.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "core/events_store.h"
#include "core/operations_store.h"
#include "core/root_key.h"
#include "core/vault.h"
#include "crypto/random.h"
#include "db/testing.h"
#include "services/authorization/api.h"

namespace lazuli::authorization {
namespace {

constexpr std::string_view kReaderRole = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
std::vector<db::Migration> migrations() {
  std::vector<db::Migration> all = Store::migrations();
  for (auto& more : {directory::directory_migrations(), core::StoredEvents::migrations(),
                     core::operations_migrations()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

const std::string kScope = "/subscriptions/s/resourceGroups/g";

class AuthorizationRbac : public testing::Test {
 protected:
  void SetUp() override { principal = directory->ensure_service_principal("p").value(); }
  void give(std::string_view role, std::string condition = {}) {
    RoleAssignment assignment;
    assignment.name = new_uuid();
    assignment.principal_id = principal.object_id;
    assignment.role_id = role;
    assignment.scope = kScope;
    assignment.condition = std::move(condition);
    auto given =
        store.handle().write([&](db::Tx& tx) { return store.insert_assignment(tx, assignment); });
    ASSERT_TRUE(given.ok()) << given.error().message;
    rbac.invalidate();
  }
  core::Principal caller(std::optional<std::vector<core::Grant>> grants = {}) const {
    return core::Authenticator::seal({.object_id = principal.object_id, .grants = grants});
  }
  bool may(const std::string& operation, const core::Principal& who) {
    return rbac.authorize(who, {operation}, kScope).ok();
  }

  db::testing::TestDatabase db{db::testing::Driver::kSqlite, migrations()};
  std::unique_ptr<core::Vault> vault = core::make_vault(crypto::random_secret(32));
  std::unique_ptr<core::StoredEvents> events = core::StoredEvents::create(db.handle("core"));
  std::unique_ptr<directory::DirectoryOfTests> directory =
      directory::open_directory(db.handle("directory"), *vault, *events).value();
  std::unique_ptr<BuiltInRoles> built_in = BuiltInRoles::load().value();
  Store store{db.handle("authorization")};
  Rbac rbac{*built_in, "tenant", store, directory.get()};
  directory::Principal principal;
};

TEST_F(AuthorizationRbac, NamesWhatAllowed) {
  give(kReaderRole);
  auto allowed = rbac.authorize(caller(), {"Microsoft.X/a/read"}, kScope);
  ASSERT_TRUE(allowed.ok());
  EXPECT_EQ(allowed->role_id, kReaderRole);
  EXPECT_FALSE(allowed->assignment_id.empty());
  auto refused = rbac.authorize(caller(), {"Microsoft.X/a/write"}, kScope);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().wire_code, "AuthorizationFailed");
}

// Also where only a key that it once made vouches for it.
TEST_F(AuthorizationRbac, ADisabledPrincipalMayNothing) {
  give(kReaderRole);
  EXPECT_TRUE(may("Microsoft.X/a/read", caller()));
  auto set_enabled = [&](bool enabled) {
    return store.handle().write(
        [&](db::Tx& tx) { return directory->set_enabled(tx, principal.object_id, enabled); });
  };
  ASSERT_TRUE(set_enabled(false).ok());
  EXPECT_FALSE(may("Microsoft.X/a/read", caller()));
  ASSERT_TRUE(set_enabled(true).ok());
  EXPECT_TRUE(may("Microsoft.X/a/read", caller()));
}

// What a person left to be done in their name ends with their sign-out, and may be left anew.
TEST_F(AuthorizationRbac, AKeptCallerEndsWithASignOut) {
  give(kReaderRole);
  auto kept = [&] {
    return core::recall_caller(core::keep_caller(caller(), *vault), *vault).value();
  };
  const core::Principal before = kept();
  EXPECT_TRUE(may("Microsoft.X/a/read", before));
  ASSERT_TRUE(
      store.handle()
          .write([&](db::Tx& tx) { return directory->end_sessions(tx, principal.object_id); })
          .ok());
  EXPECT_FALSE(may("Microsoft.X/a/read", before));
  EXPECT_TRUE(may("Microsoft.X/a/read", kept()));
}

TEST_F(AuthorizationRbac, GrantsNarrowARoleAndStandAloneForKeys) {
  give(kReaderRole);
  std::vector<core::Grant> grants{{{"*/read", "*/write"}, "/subscriptions/s"}};
  EXPECT_TRUE(may("Microsoft.X/a/read", caller(grants)));
  EXPECT_FALSE(may("Microsoft.X/a/write", caller(grants)));
  grants[0].scope = "/subscriptions/t";
  EXPECT_FALSE(may("Microsoft.X/a/read", caller(grants)));
  grants[0].scope = "/";
  core::Principal key = core::Authenticator::seal(
      {.name = "account", .kind = core::CredentialKind::kSharedKey, .grants = grants});
  EXPECT_TRUE(may("Microsoft.X/a/write", key));
  EXPECT_FALSE(may("Microsoft.X/a/delete", key));
  EXPECT_FALSE(may("Microsoft.X/a/read", core::Authenticator::seal({.name = "nobody"})));
}

// What a condition decided for one request says nothing about the next.
TEST_F(AuthorizationRbac, ConditionsAreAskedEachTime) {
  give(kReaderRole, "@Request[x] StringEquals 'yes'");
  const core::Principal who = caller();
  const core::Operation operation{"Microsoft.X/a/read"};
  auto ask = [&](const char* value) {
    core::Access access{who, operation, kScope};
    access.attributes = [value] {
      core::Attributes attributes;
      attributes.set("Request", "x", value);
      return attributes;
    };
    return rbac.authorize(access).ok();
  };
  EXPECT_TRUE(ask("yes"));
  EXPECT_FALSE(ask("no"));
  EXPECT_TRUE(ask("yes"));
  EXPECT_FALSE(rbac.authorize(core::Access{who, operation, kScope}).ok());
  core::Access later{who, operation, kScope};
  later.conditions_later = true;
  EXPECT_TRUE(rbac.authorize(later).ok());
  EXPECT_FALSE(rbac.authorize(core::Access{who, operation, kScope}).ok());
}

TEST_F(AuthorizationRbac, ARememberedDecisionIsQuick) {
  give(kReaderRole);
  const core::Principal who = caller();
  const core::Operation operation{"Microsoft.MachineLearningServices/workspaces/jobs/read"};
  ASSERT_TRUE(rbac.authorize(core::Access{who, operation, kScope}).ok());
  constexpr int kTimes = 20000;
  auto begin = SteadyClock::now();
  for (int i = 0; i < kTimes; ++i)
    ASSERT_TRUE(rbac.authorize(core::Access{who, operation, kScope}).ok());
  auto each = std::chrono::duration<double, std::nano>(SteadyClock::now() - begin) / kTimes;
  RecordProperty("nanoseconds", std::to_string(each.count()));
  EXPECT_LT(each.count(), 50000) << "a machine that does much else is slow, but not so slow";
}

}  // namespace
}  // namespace lazuli::authorization
