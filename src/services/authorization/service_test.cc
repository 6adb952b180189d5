// SPDX-License-Identifier: Apache-2.0
#include "services/authorization/service.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "base/strings.h"
#include "core/testing.h"
#include "services/authorization/store.h"

namespace lazuli::authorization {
namespace {

constexpr std::string_view kReaderRole = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
using core::testing::Call;
using http::Method;

constexpr std::string_view kContributorRole = "b24988ac-6180-42a0-ab88-20f7382dd24c";
const std::string kApi = "/providers/Microsoft.Authorization/";

core::Installation installation() {
  core::Installation made;
  made.tenant_id = new_uuid();
  made.subscription_id = new_uuid();
  made.cloud_name = "Lazuli";
  return made;
}

class AuthorizationServiceTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  AuthorizationServiceTest() { allow(caller, kOwnerRole, "/"); }

  void allow(const std::string& who, std::string_view role, const std::string& scope) {
    auto done = service->assign(who, std::string(role), scope);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  // As the service does whose resource it is.
  void remove_resource(const std::string& id) {
    auto removed = house.handle("authorization").write([&](db::Tx& tx) {
      return core::publish_deleted(house.events(), tx, id);
    });
    ASSERT_TRUE(removed.ok()) << removed.error().message;
  }
  bool may(const std::string& who, const std::string& operation, const std::string& scope) {
    core::Principal principal = core::Authenticator::seal({.object_id = who});
    return service->authorizer().authorize(principal, {operation}, scope).ok();
  }
  // The status; the answer's document is in `answer`.
  int send(Method method, const std::string& target, const std::string& body = {}) {
    Call call{.method = method, .target = target, .body = body};
    call.caller.object_id = caller;
    http::Response response = house.call(call);
    const std::string text = core::testing::text_of(response);
    auto json = Json::parse(text);
    answer = json.ok() ? *json : Json();
    return response.status;
  }
  std::string assignment(std::string_view role, const std::string& who,
                         const std::string& more = {}) {
    return cat({"{\"properties\":{\"roleDefinitionId\":\"/x/", role, "\",\"principalId\":\"", who,
                "\",\"principalType\":\"ServicePrincipal\"", more, "}}"});
  }
  std::string code() const { return answer["error"]["code"].text(); }

  const core::Installation installed = installation();
  std::unique_ptr<AuthorizationService> service = make_authorization(installed, nullptr);
  core::testing::TestHouse house{GetParam(), {service.get()}};
  std::string caller = new_uuid(), other = new_uuid();
  const std::string subscription = "/subscriptions/" + installed.subscription_id;
  const std::string group = subscription + "/resourceGroups/g";
  Json answer;
};
INSTANTIATE_TEST_SUITE_P(Drivers, AuthorizationServiceTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(AuthorizationServiceTest, AnAssignmentLivesAndEnds) {
  const std::string target = group + kApi + "roleAssignments/" + new_uuid();
  const std::string read = "Microsoft.X/things/read";
  EXPECT_FALSE(may(other, read, group));
  ASSERT_EQ(send(Method::kPut, target, assignment(kReaderRole, other)), 201);
  EXPECT_EQ(answer["properties"]["scope"].str(), group);
  EXPECT_EQ(answer["properties"]["roleDefinitionId"].str(),
            subscription + kApi + "roleDefinitions/" + std::string(kReaderRole));
  EXPECT_TRUE(may(other, read, group));
  EXPECT_EQ(send(Method::kPut, target, assignment(kReaderRole, other)), 200);
  EXPECT_EQ(send(Method::kPut, target, assignment(kOwnerRole, other)), 400);
  EXPECT_EQ(code(), "RoleAssignmentUpdateNotPermitted");
  EXPECT_EQ(send(Method::kPut, group + kApi + "roleAssignments/" + new_uuid(),
                 assignment(kReaderRole, other)),
            409);
  EXPECT_EQ(code(), "RoleAssignmentExists");
  EXPECT_EQ(send(Method::kGet, target), 200);
  EXPECT_EQ(send(Method::kGet, subscription + target.substr(group.size())), 404);
  house.restart();
  EXPECT_TRUE(may(other, read, group));
  EXPECT_EQ(send(Method::kDelete, subscription + target.substr(group.size())), 204)
      << "deleted at a scope it is not at";
  EXPECT_TRUE(may(other, read, group));
  EXPECT_EQ(send(Method::kDelete, target), 200);
  EXPECT_FALSE(may(other, read, group));
  EXPECT_EQ(send(Method::kDelete, target), 204);
}

TEST_P(AuthorizationServiceTest, RefusesWhatIsNotValid) {
  const std::string target = group + kApi + "roleAssignments/" + new_uuid();
  EXPECT_EQ(send(Method::kPut, group + kApi + "roleAssignments/x", assignment(kReaderRole, other)),
            400);
  EXPECT_EQ(send(Method::kPut, target, assignment("x", other)), 400);
  EXPECT_EQ(code(), "InvalidRoleDefinitionId");
  EXPECT_EQ(send(Method::kPut, target, assignment(new_uuid(), other)), 404);
  EXPECT_EQ(send(Method::kPut, target, assignment(kReaderRole, "nobody")), 400);
  EXPECT_EQ(send(Method::kPut, target, assignment(kReaderRole, other, ",\"condition\":\"oops\"")),
            400);
  EXPECT_EQ(code(), "InvalidConditionVersion");
  EXPECT_EQ(
      send(Method::kPut, target,
           assignment(kReaderRole, other, ",\"conditionVersion\":\"2.0\",\"condition\":\"oops\"")),
      400);
  EXPECT_EQ(code(), "InvalidConditionFormat");
  EXPECT_EQ(
      send(Method::kPut, "/subscriptions/" + new_uuid() + kApi + "roleAssignments/" + new_uuid(),
           assignment(kReaderRole, other)),
      404);
  EXPECT_EQ(send(Method::kGet, group + kApi + "roleAssignments?$filter=oops"), 400);
}

TEST_P(AuthorizationServiceTest, ListsAtAboveAndBelow) {
  allow(other, kReaderRole, group);
  allow(other, kContributorRole, group + "/providers/Microsoft.X/y/z");
  auto count = [&](const std::string& target) {
    EXPECT_EQ(send(Method::kGet, target), 200);
    return answer["value"].size();
  };
  const std::string list = group + kApi + "roleAssignments";
  EXPECT_EQ(count(list), 3u);
  EXPECT_EQ(count(list + "?$filter=atScope()"), 2u);
  EXPECT_EQ(count(list + "?$filter=principalId%20eq%20'" + other + "'"), 2u);
  EXPECT_EQ(count(list + "?$filter=atScope()%20and%20assignedTo('" + other + "')"), 1u);
  EXPECT_EQ(count("/providers/Microsoft.Authorization/roleAssignments"), 3u);
  EXPECT_EQ(count("/subscriptions/other" + kApi + "roleAssignments"), 1u);
}

TEST_P(AuthorizationServiceTest, ACustomRoleNeedsTheRightOnEveryScope) {
  const std::string id = new_uuid(), target = group + kApi + "roleDefinitions/" + id;
  auto role = [&](const std::string& scopes) {
    return "{\"properties\":{\"roleName\":\"Mine\",\"type\":\"CustomRole\",\"permissions\":"
           "[{\"actions\":[\"Microsoft.X/*/read\"]}],\"assignableScopes\":[" +
           scopes + "]}}";
  };
  const std::string own = "\"" + group + "\"", both = own + ",\"" + subscription + "\"";
  const std::string boss = caller;
  caller = new_uuid();
  allow(caller, kOwnerRole, group);
  EXPECT_EQ(send(Method::kPut, target, role(both)), 403);
  ASSERT_EQ(send(Method::kPut, target, role(own)), 201);
  EXPECT_EQ(send(Method::kPut, target, role(both)), 403);
  EXPECT_EQ(send(Method::kPut, group + kApi + "roleDefinitions/" + new_uuid(), role(own)), 409);
  EXPECT_EQ(code(), "RoleDefinitionWithSameNameExists");
  EXPECT_EQ(send(Method::kGet, group + kApi + "roleDefinitions?$filter=roleName%20eq%20'Mine'"),
            200);
  EXPECT_EQ(answer["value"].size(), 1u);
  const std::string thing = group + "/providers/Microsoft.X/things/one";
  allow(other, id, thing);
  EXPECT_TRUE(may(other, "Microsoft.X/things/read", thing));
  EXPECT_EQ(send(Method::kDelete, target), 400);
  EXPECT_EQ(code(), "RoleDefinitionHasAssignments");
  remove_resource(thing);
  EXPECT_FALSE(may(other, "Microsoft.X/things/read", thing));
  EXPECT_EQ(send(Method::kDelete, target), 200);
  EXPECT_EQ(send(Method::kGet, target), 404);
  caller = boss;
  EXPECT_EQ(send(Method::kPut,
                 "/providers/Microsoft.Authorization/roleDefinitions/" + std::string(kOwnerRole),
                 role(own)),
            403);
  EXPECT_EQ(send(Method::kGet,
                 "/providers/Microsoft.Authorization/roleDefinitions?"
                 "$filter=type%20eq%20'CustomRole'"),
            200);
  EXPECT_EQ(answer["value"].size(), 10u) << "the product's own";
}

// Who may only hand out Reader can neither hand out nor take away Owner.
TEST_P(AuthorizationServiceTest, DelegationIsLimitedByItsCondition) {
  const std::string delegate = new_uuid(), boss = caller;
  const std::string only_reader = cat(
      {",\"conditionVersion\":\"2.0\",\"condition\":\"((!(ActionMatches{'Microsoft.Authorization/"
       "roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:"
       "RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {",
       kReaderRole,
       "})) AND ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR "
       "(@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] "
       "ForAnyOfAnyValues:GuidEquals {",
       kReaderRole, "}))\""});
  auto target = [&] { return group + kApi + "roleAssignments/" + new_uuid(); };
  ASSERT_EQ(send(Method::kPut, target(), assignment(kOwnerRole, delegate, only_reader)), 201);
  const std::string owner_of_other = target();
  ASSERT_EQ(send(Method::kPut, owner_of_other, assignment(kOwnerRole, other)), 201);
  caller = delegate;
  EXPECT_EQ(send(Method::kPut, target(), assignment(kOwnerRole, delegate)), 403);
  EXPECT_EQ(send(Method::kDelete, owner_of_other), 403);
  const std::string reader = target();
  EXPECT_EQ(send(Method::kPut, reader, assignment(kReaderRole, other)), 201);
  EXPECT_EQ(send(Method::kDelete, reader), 200);
}

TEST_P(AuthorizationServiceTest, WhatTheSystemDeniesNobodyMayLift) {
  allow(other, kOwnerRole, subscription);
  DenyAssignment denial;
  denial.id = new_uuid();
  denial.name = "hold";
  denial.scope = group;
  denial.permissions.push_back({{"*/delete"}, {}, {}, {}, {}, {}});
  denial.principals.push_back({kEveryone, "SystemDefined"});
  Store store(house.handle("authorization"));
  auto put = store.handle().write([&](db::Tx& tx) { return store.put_denial(tx, denial); });
  ASSERT_TRUE(put.ok());
  allow(new_uuid(), kReaderRole, group);  // a change, so that the policy is read anew
  EXPECT_FALSE(may(other, "Microsoft.X/things/delete", group));
  EXPECT_TRUE(may(other, "Microsoft.X/things/write", group));
  EXPECT_EQ(send(Method::kGet, group + kApi + "denyAssignments"), 200);
  EXPECT_EQ(answer["value"].size(), 1u);
  EXPECT_EQ(send(Method::kDelete, group + kApi + "denyAssignments/" + denial.id), 403);
  EXPECT_EQ(send(Method::kPost, group + kApi + "checkAccess",
                 cat({R"({"subject":{"attributes":{"objectId":")", other,
                      R"("}},"actions":[{"id":"Microsoft.X/things/delete"}]})"})),
            200);
  const Json& decision = answer.items().at(0);
  EXPECT_EQ(decision["accessDecision"].str(), "Denied");
  EXPECT_EQ(decision["denyAssignment"]["properties"]["denyAssignmentName"].str(), "hold");
  remove_resource(group);
  EXPECT_TRUE(may(other, "Microsoft.X/things/delete", group)) << "it goes with what it is on";
}

TEST_P(AuthorizationServiceTest, ClientsDenyWithinBounds) {
  allow(other, kOwnerRole, subscription);
  const std::string target = group + kApi + "denyAssignments/" + new_uuid();
  auto denial = [&](std::string_view action, std::string_view excluded) {
    return cat({"{\"properties\":{\"denyAssignmentName\":\"n\",\"permissions\":[{\"actions\":[\"",
                action, "\"]}],\"principals\":[{\"id\":\"", kEveryone,
                "\",\"type\":\"SystemDefined\"}],\"excludePrincipals\":[", excluded,
                "],\"isSystemProtected\":true}}"});
  };
  const std::string me = "{\"id\":\"" + caller + "\",\"type\":\"ServicePrincipal\"}";
  EXPECT_EQ(send(Method::kPut, target, denial("Microsoft.X/things/write", "")), 400);
  EXPECT_EQ(send(Method::kPut, target, denial("*/read", me)), 400);
  ASSERT_EQ(send(Method::kPut, target, denial("Microsoft.X/things/write", me)), 201);
  EXPECT_FALSE(answer["properties"]["isSystemProtected"].boolean(true));
  EXPECT_FALSE(may(other, "Microsoft.X/things/write", group));
  EXPECT_TRUE(may(caller, "Microsoft.X/things/write", group));
  EXPECT_EQ(send(Method::kDelete, target), 200);
  EXPECT_TRUE(may(other, "Microsoft.X/things/write", group));
}

TEST_P(AuthorizationServiceTest, SubscriptionsMoveBetweenManagementGroups) {
  const std::string groups = "/providers/Microsoft.Management/managementGroups/";
  ASSERT_EQ(send(Method::kPut, groups + "Top", "{\"properties\":{\"displayName\":\"T\"}}"), 200);
  EXPECT_EQ(answer["properties"]["details"]["parent"]["name"].str(), installed.tenant_id);
  ASSERT_EQ(send(Method::kPut, groups + "low",
                 "{\"properties\":{\"details\":{\"parent\":{\"id\":\"" + groups + "top\"}}}}"),
            200);
  allow(other, kReaderRole, groups + "top");
  EXPECT_FALSE(may(other, "Microsoft.X/a/read", group));
  ASSERT_EQ(send(Method::kPut, groups + "low" + subscription), 200);
  EXPECT_TRUE(may(other, "Microsoft.X/a/read", group));
  EXPECT_EQ(send(Method::kDelete, groups + "low"), 400) << "not empty";
  EXPECT_EQ(send(Method::kPatch, groups + "top", "{\"parentGroupId\":\"" + groups + "low\"}"), 400);
  ASSERT_EQ(send(Method::kGet, groups + "top?$expand=children&$recurse=true"), 200);
  EXPECT_EQ(answer["properties"]["children"].size(), 1u);
  const std::string boss = caller;
  caller = new_uuid();
  allow(caller, kOwnerRole, groups + "top");
  EXPECT_EQ(send(Method::kPatch, groups + "low",
                 "{\"parentGroupId\":\"" + groups + installed.tenant_id + "\"}"),
            403)
      << "no right on the new parent";
  caller = boss;
  EXPECT_EQ(send(Method::kDelete, groups + "low" + subscription), 200);
  EXPECT_FALSE(may(other, "Microsoft.X/a/read", group));
  EXPECT_EQ(send(Method::kDelete, groups + "low"), 200);
  EXPECT_EQ(send(Method::kDelete, groups + "top"), 200);
  EXPECT_FALSE(may(other, "Microsoft.X/a/read", groups + "top"));
}

TEST_P(AuthorizationServiceTest, ChecksAccessWithReasons) {
  allow(other, kReaderRole, group);
  const std::string target = group + kApi + "checkAccess";
  auto body = [](const std::string& who) {
    return cat({"{\"Subject\":{\"Attributes\":{\"ObjectId\":\"", who,
                "\"}},\"Actions\":[{\"Id\":\"Microsoft.X/a/read\"},{\"Id\":\"Microsoft.X/a/write\"}"
                "]}"});
  };
  ASSERT_EQ(send(Method::kPost, target, body(other)), 200);
  ASSERT_EQ(answer.size(), 2u);
  EXPECT_EQ(answer.items()[0]["accessDecision"].str(), "Allowed");
  EXPECT_EQ(answer.items()[0]["roleAssignment"]["properties"]["principalId"].str(), other);
  EXPECT_EQ(answer.items()[1]["accessDecision"].str(), "NotAllowed");
  EXPECT_EQ(answer.items()[1]["considered"].items().at(0)["finding"].str(), "noAction");
  caller = new_uuid();
  EXPECT_EQ(send(Method::kPost, target, body(other)), 403);
  EXPECT_EQ(send(Method::kPost, target, body(caller)), 200) << "about itself";
}

TEST_P(AuthorizationServiceTest, WhatLiesBelowGoesWithItsResource) {
  allow(other, kReaderRole, group + "/providers/Microsoft.X/y/z");
  allow(other, kReaderRole, group + "2");
  remove_resource(to_lower(group));
  EXPECT_FALSE(may(other, "Microsoft.X/y/read", group + "/providers/Microsoft.X/y/z"));
  EXPECT_TRUE(may(other, "Microsoft.X/y/read", group + "2"));
}

TEST_P(AuthorizationServiceTest, TakesOverWhatIdentityHeld) {
  db::testing::TestDatabase db(
      GetParam(), {{"identity", 1,
                    "CREATE TABLE identity_role_assignment (name {text} PRIMARY KEY, "
                    "object_id {text} NOT NULL, role_id {text} NOT NULL, scope {text} NOT NULL, "
                    "created_us {int} NOT NULL, UNIQUE (object_id, role_id, scope)); "
                    "INSERT INTO identity_role_assignment VALUES ('n', 'o', 'r', '/', 7), "
                    "('m', 'o', 'r', '/S', 7)"}});
  auto migrated = db->migrate(Store::migrations());
  ASSERT_TRUE(migrated.ok()) << migrated.error().message;
  auto all = Store(db.handle("authorization")).load();
  ASSERT_TRUE(all.ok()) << all.error().message;
  ASSERT_EQ(all->assignments.size(), 2u);
  EXPECT_EQ(all->assignments.at(0).scope, "/S");
}

}  // namespace
}  // namespace lazuli::authorization
