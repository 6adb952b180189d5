// SPDX-License-Identifier: Apache-2.0
#include "services/identity/rbac.h"

#include <gtest/gtest.h>

namespace lazuli::identity {
namespace {

constexpr std::string_view kMl = "Microsoft.MachineLearningServices/workspaces";
const std::string kWorkspace =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w";

core::Operation op(std::string_view below, bool data = false) {
  return {std::string(kMl) + std::string(below), data};
}

struct IdentityRbac : testing::Test {
  Rbac rbac{Roles::load().value()};
  core::Principal principal = core::Authenticator::seal(
      {"tenant", "object", "app", "name", core::CredentialKind::kBearer, {}, {}});
  void give(std::string_view role, std::string scope) {
    rbac.set_assignments({{"a", "object", std::string(role), std::move(scope)}});
  }
  bool may(const core::Operation& operation, const std::string& scope) {
    return rbac.authorize(principal, operation, scope).ok();
  }
};

TEST_F(IdentityRbac, AllBuiltInRolesAreThere) {
  auto roles = Roles::load();
  ASSERT_TRUE(roles.ok());
  EXPECT_EQ(roles->size(), 928u);
}

TEST_F(IdentityRbac, NothingWithoutAnAssignment) {
  EXPECT_FALSE(may(op("/read"), kWorkspace));
  give(kOwnerRole, "/subscriptions/other");
  EXPECT_FALSE(may(op("/read"), kWorkspace));
}

TEST_F(IdentityRbac, AScopeIsInherited) {
  give(kReaderRole, "/subscriptions/S");
  EXPECT_TRUE(may(op("/jobs/read"), kWorkspace + "/jobs/j"));
  EXPECT_FALSE(may(op("/jobs/write"), kWorkspace + "/jobs/j"));
}

TEST_F(IdentityRbac, DataScientistFollowsTheDocumentedExamples) {
  give(kDataScientistRole, kWorkspace);
  EXPECT_TRUE(may(op("/jobs/write"), kWorkspace));
  EXPECT_TRUE(may(op("/computes/start/action"), kWorkspace));
  EXPECT_FALSE(may(op("/write"), kWorkspace));
  EXPECT_FALSE(may(op("/computes/write"), kWorkspace));
}

TEST_F(IdentityRbac, AnOwnerHasNoDataActions) {
  give(kOwnerRole, "/");
  core::Operation read{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
                       true};
  EXPECT_FALSE(may(read, kWorkspace));
  give(kBlobDataOwnerRole, "/");
  EXPECT_TRUE(may(read, kWorkspace));
}

TEST_F(IdentityRbac, GrantsNarrowARoleAndStandAloneForKeys) {
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
  give(kOwnerRole, "/subscriptions/other");
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
}  // namespace lazuli::identity
