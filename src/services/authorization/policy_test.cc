// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/policy.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "services/authorization/api.h"
#include "services/authorization/scope.h"

namespace lazuli::authorization {
namespace {

constexpr std::string_view kReaderRole = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
constexpr std::string_view kDataScientistRole = "f6c7c914-8db3-469d-8ca1-694a8f32e121";
const std::string kMl = "Microsoft.MachineLearningServices/workspaces";
const std::string kGroup = "/subscriptions/s/resourceGroups/g";
const std::string kWorkspace = kGroup + "/providers/Microsoft.MachineLearningServices/workspaces/w";
const std::string kBlobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/";

class AuthorizationPolicy : public testing::Test {
 protected:
  const BuiltInRoles& built_in() {
    static const std::unique_ptr<BuiltInRoles> kRoles = BuiltInRoles::load().value();
    return *kRoles;
  }
  void give(std::string_view role, std::string scope, std::string condition = {},
            std::string principal = "p") {
    RoleAssignment assignment;
    assignment.name = std::to_string(data.assignments.size());
    assignment.principal_id = std::move(principal);
    assignment.role_id = role;
    assignment.scope = std::move(scope);
    assignment.condition = std::move(condition);
    data.assignments.push_back(std::move(assignment));
  }
  // By the name the product's roles have.
  std::string product(std::string_view name) {
    for (const RoleDefinition& each : data.roles)
      if (each.name == name) return each.id;
    ADD_FAILURE() << "no role " << name;
    return {};
  }
  Decision decide(std::string operation, const std::string& scope, bool is_data = false) {
    policy = std::make_unique<Policy>(data, built_in(), "tenant");
    operation = to_lower(operation);
    return policy->decide({"p", &groups, operation, is_data, scope, &attributes});
  }
  bool may(const std::string& operation, const std::string& scope = kWorkspace) {
    return decide(operation, scope).allowed;
  }
  bool may_data(const std::string& operation, const std::string& scope = kWorkspace) {
    return decide(operation, scope, true).allowed;
  }
  PolicyData data{{}, product_roles().value(), {}, {}, {}};
  std::vector<std::string> groups;
  std::function<core::Attributes()> attributes;
  std::unique_ptr<Policy> policy;
};

TEST_F(AuthorizationPolicy, NothingWithoutAnAssignmentThatCovers) {
  EXPECT_FALSE(may(kMl + "/read"));
  give(kOwnerRole, "/subscriptions/other");
  EXPECT_FALSE(may(kMl + "/read"));
  give(kOwnerRole, "/subscriptions/s/resourceGroups/gg");
  EXPECT_FALSE(may(kMl + "/read"));
  give(kReaderRole, "/subscriptions/S/");
  EXPECT_TRUE(may(kMl + "/jobs/read", kWorkspace + "/jobs/j"));
  EXPECT_FALSE(may(kMl + "/jobs/write", kWorkspace + "/jobs/j"));
}

TEST_F(AuthorizationPolicy, DataScientistFollowsTheDocumentedExamples) {
  give(kDataScientistRole, kWorkspace);
  EXPECT_TRUE(may(kMl + "/jobs/write"));
  EXPECT_TRUE(may(kMl + "/computes/start/action"));
  EXPECT_TRUE(may(kMl + "/data/versions/write"));
  EXPECT_FALSE(may(kMl + "/write"));
  EXPECT_FALSE(may(kMl + "/computes/write"));
  EXPECT_FALSE(may(kMl + "/listKeys/action"));
}

TEST_F(AuthorizationPolicy, AnOwnerHasNoDataActionsAndRolesAdd) {
  give(kOwnerRole, "/");
  EXPECT_TRUE(may("Microsoft.Storage/storageAccounts/listKeys/action"));
  EXPECT_FALSE(may_data(kBlobs + "read"));
  give(kBlobDataOwnerRole, "/");
  EXPECT_TRUE(may_data(kBlobs + "read"));
  give("b24988ac-6180-42a0-ab88-20f7382dd24c", "/");  // Contributor, whose notActions are its own
  EXPECT_TRUE(may("Microsoft.Authorization/roleAssignments/write"));
}

TEST_F(AuthorizationPolicy, AContributorGrantsNothingToOthers) {
  give("b24988ac-6180-42a0-ab88-20f7382dd24c", "/subscriptions/s");
  EXPECT_TRUE(may(kMl + "/write"));
  EXPECT_FALSE(may("Microsoft.Authorization/roleAssignments/write", kGroup));
  EXPECT_FALSE(may("Microsoft.Authorization/roleDefinitions/delete", kGroup));
}

TEST_F(AuthorizationPolicy, GroupsCountAndLoseAtOnce) {
  give(kReaderRole, kGroup, {}, "team");
  EXPECT_FALSE(may(kMl + "/read"));
  groups = {"other", "TEAM"};
  EXPECT_TRUE(may(kMl + "/read"));
  groups.clear();
  EXPECT_FALSE(may(kMl + "/read"));
}

TEST_F(AuthorizationPolicy, ManagementGroupsStandBetweenTenantAndSubscription) {
  data.groups = {{"Top", "Top", "tenant"}, {"Low", "Low", "Top"}};
  data.placements["s"] = "low";
  const std::string prefix = "/providers/Microsoft.Management/managementGroups/";
  give(kReaderRole, prefix + "top");
  EXPECT_TRUE(may(kMl + "/read"));
  EXPECT_TRUE(may(kMl + "/read", prefix + "LOW"));
  EXPECT_FALSE(may(kMl + "/read", prefix + "tenant"));
  EXPECT_FALSE(may(kMl + "/read", "/subscriptions/t"));
  data.placements.clear();
  EXPECT_FALSE(may(kMl + "/read"));
  give(kReaderRole, prefix + "tenant");
  EXPECT_TRUE(may(kMl + "/read"));
  data.groups = {{"a", "a", "b"}, {"b", "b", "a"}};  // must not happen, must not hang
  data.placements["s"] = "a";
  EXPECT_FALSE(may(kMl + "/write"));
}

TEST_F(AuthorizationPolicy, KnowsWhoHasAnythingWithin) {
  give(kReaderRole, kWorkspace);
  give(kReaderRole, "/subscriptions/other/resourceGroups/g", {}, "team");
  give(kReaderRole, "/", {}, "above");
  const Policy all(data, built_in(), "tenant");
  for (const std::string& scope : {std::string("/subscriptions/S"), kGroup, kWorkspace})
    EXPECT_TRUE(all.holds_within("P", {}, scope)) << scope;
  EXPECT_FALSE(all.holds_within("p", {}, kWorkspace + "/jobs/j"));
  EXPECT_FALSE(all.holds_within("p", {}, "/subscriptions/s/resourceGroups/g2"));
  EXPECT_FALSE(all.holds_within("p", {}, "/subscriptions/other"));
  EXPECT_TRUE(all.holds_within("p", {"team"}, "/subscriptions/other"));
  EXPECT_FALSE(all.holds_within("above", {}, "/subscriptions/s"));
}

TEST_F(AuthorizationPolicy, ADenialWinsButForTheExcluded) {
  give(kOwnerRole, "/");
  DenyAssignment denial;
  denial.id = "d";
  denial.scope = kGroup;
  denial.permissions = {{{"*/delete"}, {}, {}, {}, {}, {}}};
  denial.principals = {{kEveryone, "SystemDefined"}};
  data.denials = {denial};
  EXPECT_TRUE(may(kMl + "/write"));
  EXPECT_FALSE(may(kMl + "/delete"));
  EXPECT_NE(decide(kMl + "/delete", kWorkspace).denied_by, nullptr);
  EXPECT_TRUE(may(kMl + "/delete", "/subscriptions/s"));
  data.denials[0].not_below = true;
  EXPECT_TRUE(may(kMl + "/delete"));
  EXPECT_FALSE(may("Microsoft.Resources/subscriptions/resourceGroups/delete", kGroup));
  data.denials[0].not_below = false;
  data.denials[0].excluded = {{"team", "Group"}};
  groups = {"team"};
  EXPECT_TRUE(may(kMl + "/delete"));
}

TEST_F(AuthorizationPolicy, AConditionLimitsItsAssignmentAlone) {
  give(kBlobDataOwnerRole, "/",
       "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals "
       "'open'");
  EXPECT_FALSE(may_data(kBlobs + "read")) << "no attributes";
  attributes = [] {
    core::Attributes given;
    given.set("Resource", "Microsoft.Storage/storageAccounts/blobServices/containers:name", "open");
    return given;
  };
  EXPECT_TRUE(may_data(kBlobs + "read"));
  EXPECT_TRUE(decide(kBlobs + "read", "/", true).depends_on_request);
  attributes = {};
  give(kBlobDataOwnerRole, "/", "this is no condition");
  EXPECT_FALSE(may_data(kBlobs + "read"));
  give(kBlobDataOwnerRole, "/");
  EXPECT_TRUE(may_data(kBlobs + "read"));
}

TEST_F(AuthorizationPolicy, TellsWhyOfEveryAssignment) {
  give(kReaderRole, "/");
  give("missing", kGroup);
  give(kDataScientistRole, kWorkspace);
  give(kOwnerRole, kWorkspace, "@Resource[x] StringEquals 'y'");
  policy = std::make_unique<Policy>(data, built_in(), "tenant");
  const std::string operation = to_lower(kMl + "/write");
  std::vector<Considered> trace;
  Decision decision = policy->decide({"p", nullptr, operation, false, kWorkspace}, &trace);
  EXPECT_FALSE(decision.allowed);
  std::vector<Finding> found;
  for (const Considered& each : trace) found.push_back(each.finding);
  EXPECT_EQ(found, (std::vector{Finding::kSubtracted, Finding::kConditionUnknown,
                                Finding::kRoleMissing, Finding::kNoAction}));
}

// One role of the mission's list, what it allows and what it does not.
struct Golden {
  const char* role;
  std::vector<std::string> allowed, denied, allowed_data, denied_data;
};

TEST_F(AuthorizationPolicy, TheNineRolesAllowAndDeny) {
  const std::string ml = kMl + "/", factory = "Microsoft.DataFactory/factories/";
  const Golden golden[] = {
      {"Data Labeler",
       {ml + "labeling/labels/write", ml + "labeling/projects/read"},
       {ml + "labeling/projects/write", ml + "jobs/write", ml + "labeling/export/action"},
       {},
       {kBlobs + "read"}},
      {"Feature Store Contributor",
       {ml + "featuresets/write", ml + "featurestoreentities/versions/read", ml + "jobs/write",
        ml + "featurestores/read"},
       {ml + "featurestores/write", ml + "write", ml + "models/write"},
       {kBlobs + "read"},
       {kBlobs + "write"}},
      {"ML Compute Operator",
       {ml + "computes/write", ml + "computes/start/action"},
       {ml + "jobs/write", ml + "write"},
       {},
       {kBlobs + "read"}},
      {"ML Model Registrar",
       {ml + "models/write", ml + "models/versions/read", ml + "models/package/action",
        "Microsoft.MachineLearningServices/registries/assets/write"},
       {ml + "models/delete", ml + "models/versions/delete", ml + "jobs/write"},
       {kBlobs + "write"},
       {kBlobs + "delete"}},
      {"ML Endpoint Contributor",
       {ml + "onlineEndpoints/write", ml + "onlineEndpoints/deployments/delete",
        ml + "batchEndpoints/write"},
       {ml + "onlineEndpoints/listKeys/action", ml + "onlineEndpoints/regenerateKeys/action",
        ml + "models/write", ml + "jobs/write"},
       {},
       {kBlobs + "read"}},
      {"ML Pipeline Operator",
       {ml + "jobs/write", ml + "jobs/cancel/action", ml + "schedules/write",
        factory + "pipelines/createrun/action", factory + "triggers/start/action"},
       {factory + "pipelines/write", ml + "models/write", ml + "write"},
       {},
       {kBlobs + "read"}},
      {"Azure DevOps Contributor",
       {ml + "jobs/write", ml + "models/versions/write",
        "Microsoft.ContainerRegistry/registries/push/write", ml + "read"},
       {"Microsoft.Authorization/roleAssignments/write", "Microsoft.Resources/deployments/write",
        ml + "models/delete"},
       {},
       {kBlobs + "write"}},
      {"ML Deployment Admin",
       {"Microsoft.Resources/deployments/write", ml + "onlineEndpoints/deployments/write",
        "Microsoft.Web/sites/slots/slotsswap/action"},
       {"Microsoft.Authorization/roleAssignments/write", ml + "models/write", ml + "jobs/write"},
       {"Microsoft.ContainerRegistry/registries/repositories/content/read"},
       {kBlobs + "read"}},
  };
  for (const Golden& each : golden) {
    data.assignments.clear();
    give(product(each.role), kGroup);
    for (const std::string& name : each.allowed) EXPECT_TRUE(may(name)) << each.role << " " << name;
    for (const std::string& name : each.denied) EXPECT_FALSE(may(name)) << each.role << " " << name;
    for (const std::string& name : each.allowed_data)
      EXPECT_TRUE(may_data(name)) << each.role << " " << name;
    for (const std::string& name : each.denied_data)
      EXPECT_FALSE(may_data(name)) << each.role << " " << name;
  }
  data.assignments.clear();
  give("673868aa-7521-48a0-acc6-0f60742d39f5", kGroup);  // Data Factory Contributor is Azure's own
  EXPECT_TRUE(may(factory + "pipelines/write"));
  EXPECT_FALSE(may(kMl + "/jobs/write"));
}

TEST(AuthorizationScope, KeysAndChecks) {
  EXPECT_EQ(scope_key("/"), "");
  EXPECT_EQ(scope_key("/Subscriptions/S/"), "/subscriptions/s");
  EXPECT_EQ(subscription_of("/SUBSCRIPTIONS/s/x"), "s");
  EXPECT_EQ(group_of("/providers/Microsoft.Management/managementGroups/g/providers/x"), "g");
  EXPECT_EQ(checked_scope("")->size(), 1u);
  for (const char* bad : {"x", "//a", "/a/../b", "/a//b", "/a/./b", "/a?b", "/a\nb", "/a/*"})
    EXPECT_FALSE(checked_scope(bad).ok()) << bad;
}

}  // namespace
}  // namespace lazuli::authorization
