// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/rbac.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "db/testing.h"
#include "services/authorization/api.h"

namespace lazuli::authorization {
namespace {

constexpr std::string_view kMl = "Microsoft.MachineLearningServices/workspaces";
const std::string kWorkspace =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w";

core::Operation op(std::string_view below, bool data = false) {
  return {std::string(kMl) + std::string(below), data};
}

struct AuthorizationRbac : testing::Test {
  db::testing::TestDatabase db{db::testing::Driver::kSqlite, Store::migrations()};
  Store store{db.handle("authorization")};
  Rbac rbac{Roles::load().value(), store};
  core::Principal principal = core::Authenticator::seal(
      {"tenant", "object", "app", "name", core::CredentialKind::kBearer, {}, {}});
  void give(std::string_view role, std::string scope) {
    auto given = store.handle().write([&](db::Tx& tx) {
      return store.ensure_assignment(tx, {new_uuid(), "object", std::string(role), scope});
    });
    ASSERT_TRUE(given.ok()) << given.error().message;
    rbac.invalidate();
  }
  bool may(const core::Operation& operation, const std::string& scope) {
    return rbac.authorize(principal, operation, scope).ok();
  }
};

TEST_F(AuthorizationRbac, AllBuiltInRolesAreThere) {
  auto roles = Roles::load();
  ASSERT_TRUE(roles.ok());
  EXPECT_EQ(roles->size(), 928u);
}

TEST_F(AuthorizationRbac, NothingWithoutAnAssignment) {
  EXPECT_FALSE(may(op("/read"), kWorkspace));
  give(kOwnerRole, "/subscriptions/other");
  EXPECT_FALSE(may(op("/read"), kWorkspace));
}

TEST_F(AuthorizationRbac, AScopeIsInherited) {
  give(kReaderRole, "/subscriptions/S");
  EXPECT_TRUE(may(op("/jobs/read"), kWorkspace + "/jobs/j"));
  EXPECT_FALSE(may(op("/jobs/write"), kWorkspace + "/jobs/j"));
}

TEST_F(AuthorizationRbac, DataScientistFollowsTheDocumentedExamples) {
  give(kDataScientistRole, kWorkspace);
  EXPECT_TRUE(may(op("/jobs/write"), kWorkspace));
  EXPECT_TRUE(may(op("/computes/start/action"), kWorkspace));
  EXPECT_FALSE(may(op("/write"), kWorkspace));
  EXPECT_FALSE(may(op("/computes/write"), kWorkspace));
}

TEST_F(AuthorizationRbac, AnOwnerHasNoDataActions) {
  give(kOwnerRole, "/");
  core::Operation read{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
                       true};
  EXPECT_FALSE(may(read, kWorkspace));
  give(kBlobDataOwnerRole, "/");
  EXPECT_TRUE(may(read, kWorkspace));
}

TEST_F(AuthorizationRbac, GrantsNarrowARoleAndStandAloneForKeys) {
  give(kOwnerRole, "/");
  core::Verified narrowed{"tenant",
                          "object",
                          "app",
                          "name",
                          core::CredentialKind::kBearer,
                          {},
                          std::vector<core::Grant>{{{"*/jobs/read"}, kWorkspace}}};
  principal = core::Authenticator::seal(narrowed);
  EXPECT_TRUE(may(op("/jobs/read"), kWorkspace));
  EXPECT_FALSE(may(op("/jobs/write"), kWorkspace));
  narrowed.object_id = "another";
  principal = core::Authenticator::seal(narrowed);
  EXPECT_FALSE(may(op("/jobs/read"), kWorkspace));

  core::Verified key{"tenant",
                     "",
                     "",
                     "account",
                     core::CredentialKind::kSharedKey,
                     {},
                     std::vector<core::Grant>{{{"*"}, "/subscriptions/s"}}};
  principal = core::Authenticator::seal(key);
  EXPECT_TRUE(may(op("/jobs/write"), kWorkspace));
  EXPECT_FALSE(may(op("/jobs/write"), "/subscriptions/t"));
}

}  // namespace
}  // namespace lazuli::authorization
