// SPDX-License-Identifier: Apache-2.0
// The token service's routes beside the directory's, without a chain.
#include <gtest/gtest.h>

#include "base/ids.h"
#include "base/strings.h"
#include "codec/text.h"
#include "core/testing.h"
#include "services/directory/service.h"
#include "services/identity/service.h"
#include "services/identity/session_store.h"
#include "services/identity/token_grants.h"

namespace lazuli::server {
namespace {

using core::testing::Call;
using http::Method;
using identity::DeviceCode;
using identity::SessionStore;
using identity::TokenRequest;

class ServerTokenServiceTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  Json send(Call call, int status) {
    http::Response response = house.call(call);
    std::string text = core::testing::text_of(response);
    EXPECT_EQ(response.status, status) << call.target << " " << text;
    auto json = Json::parse(text);
    return json.ok() ? *json : Json(text);
  }
  Json graph(Method method, const std::string& path, const Json& body = {}, int status = 201) {
    Call call;
    call.method = method;
    call.host = core::Host::kGraph;
    call.target = "/v1.0" + path;
    if (!body.is_null()) call.body = body.dump();
    return send(std::move(call), status);
  }
  Json graph(const std::string& path, const std::string& body) {
    return graph(Method::kPost, path, Json::parse(body).value());
  }
  Json token(const QueryItems& form, int status = 200) {
    Call call;
    call.method = Method::kPost;
    call.host = core::Host::kLogin;
    call.target = "/" + home.tenant_id + "/oauth2/v2.0/token";
    call.body = dump_form(form);
    call.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    return send(std::move(call), status);
  }
  static Json claims_of(const Json& answer, std::string_view name = "access_token") {
    std::string given = answer[name].text();
    return Json::parse(from_base64url(split(given, '.')[1]).value()).value();
  }
  static int64_t number_of(const Json& answer) {
    const Json& codes = answer["error_codes"];
    return codes.empty() ? 0 : codes.items()[0].integer();
  }

  struct App {
    std::string id, app_id, principal;
  };
  App add_app(const Json& properties) {
    const Json made = graph(Method::kPost, "/applications", properties);
    const Json principal =
        graph(Method::kPost, "/servicePrincipals", Json::object({{"appId", made["appId"]}}));
    return {made["id"].text(), made["appId"].text(), principal["id"].text()};
  }
  std::string secret_of(const App& app) {
    return graph(Method::kPost, "/applications/" + app.id + "/addPassword", Json::object(),
                 200)["secretText"]
        .text();
  }
  // An application with a role and scopes of its own.
  App add_resource(int token_version = 1) {
    Json properties = Json::parse(R"({"displayName": "tasks", "identifierUris": ["api://tasks"],
        "appRoles": [
          {"id": "11111111-0000-0000-0000-000000000001", "displayName": "r", "description": "r",
           "value": "Tasks.Run", "allowedMemberTypes": ["Application"], "isEnabled": true},
          {"id": "11111111-0000-0000-0000-000000000002", "displayName": "a", "description": "a",
           "value": "Tasks.Admin", "allowedMemberTypes": ["User"], "isEnabled": true}],
        "api": {"oauth2PermissionScopes": [
          {"id": "22222222-0000-0000-0000-000000000001", "value": "Tasks.Read", "type": "User",
           "isEnabled": true},
          {"id": "22222222-0000-0000-0000-000000000002", "value": "Tasks.Write", "type": "Admin",
           "isEnabled": true},
          {"id": "22222222-0000-0000-0000-000000000003", "value": "Tasks.Old", "type": "Admin",
           "isEnabled": false}]}})")
                          .value();
    properties["api"].set("requestedAccessTokenVersion", token_version);
    return add_app(properties);
  }
  void assign(const std::string& principal, const App& resource, std::string_view role,
              int status = 201) {
    graph(
        Method::kPost, "/servicePrincipals/" + resource.principal + "/appRoleAssignedTo",
        Json::object(
            {{"principalId", principal}, {"resourceId", resource.principal}, {"appRoleId", role}}),
        status);
  }
  directory::Principal add_user(const std::string& name) {
    const Json made = graph("/users", R"({"accountEnabled": true, "displayName": ")" + name +
                                          R"(", "userPrincipalName": ")" + name +
                                          R"(@example.org", "passwordProfile":
        {"password": "Secret-123", "forceChangePasswordNextSignIn": false}})");
    return directory->find_by_object_id(made["id"].text()).value().value();
  }
  // A device code that the user has approved already.
  std::string approved_code(const directory::Principal& user, const std::string& app_id,
                            const std::string& scopes) {
    std::string text = new_uuid();
    DeviceCode code{identity::hash_code(text),
                    text,
                    app_id,
                    scopes,
                    "pending",
                    {user.object_id, now(), {}},
                    now() + std::chrono::minutes(5),
                    {},
                    5};
    auto approved = house.handle("identity").write([&](db::Tx& tx) -> Result<void> {
      TRY(SessionStore::add_device(tx, code));
      return SessionStore::set_device_state(tx, code.hash, "approved", code.proof);
    });
    EXPECT_TRUE(approved.ok());
    return text;
  }
  Json redeem(const std::string& code, const std::string& app_id, int status = 200,
              const std::string& scope = {}) {
    QueryItems form = {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                       {"client_id", app_id},
                       {"device_code", code}};
    if (!scope.empty()) form.emplace_back("scope", scope);
    return token(form, status);
  }

  static constexpr std::string_view kRun = "11111111-0000-0000-0000-000000000001";
  static constexpr std::string_view kAdmin = "11111111-0000-0000-0000-000000000002";
  static constexpr const char* kCli = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

  core::Installation home = [] {
    core::Installation made;
    made.domain = "lazuli.localhost";
    made.tenant_id = "11111111-2222-3333-4444-555555555555";
    return made;
  }();
  std::unique_ptr<directory::DirectoryService> directory = directory::make_directory(home);
  std::unique_ptr<identity::IdentityService> identity = identity::make_identity(home, *directory);
  core::testing::TestHouse house{GetParam(), {directory.get(), identity.get()}};
};
INSTANTIATE_TEST_SUITE_P(Drivers, ServerTokenServiceTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(ServerTokenServiceTest, AnApplicationsTokenHoldsItsRoles) {
  App resource = add_resource();
  App client = add_app(Json::object({{"displayName", "client"}}));
  QueryItems form = {{"grant_type", "client_credentials"},
                     {"client_id", client.app_id},
                     {"client_secret", secret_of(client)},
                     {"scope", "api://tasks/.default"}};
  const Json before = claims_of(token(form));
  EXPECT_FALSE(before.contains("roles"));
  EXPECT_FALSE(before.contains("scp"));
  EXPECT_EQ(before["aud"].text(), "api://tasks");
  assign(client.principal, resource, kRun);
  EXPECT_EQ(claims_of(token(form))["roles"].dump(), R"(["Tasks.Run"])");

  // A role for people is none for applications; nor is one that the application does not have.
  assign(client.principal, resource, kAdmin, 400);
  assign(client.principal, resource, "33333333-0000-0000-0000-000000000001", 400);
  assign(client.principal, resource, kRun, 400);  // twice
  // Who has no role stays out where one is needed.
  graph(Method::kPatch, "/servicePrincipals/" + resource.principal,
        Json::object({{"appRoleAssignmentRequired", true}}), 204);
  token(form);
  App other = add_app(Json::object({{"displayName", "other"}}));
  form[1].second = other.app_id;
  form[2].second = secret_of(other);
  EXPECT_EQ(number_of(token(form, 400)), 501051);
}

TEST_P(ServerTokenServiceTest, APersonsTokenHoldsRolesAndScopes) {
  App resource = add_resource(2);
  directory::Principal ann = add_user("ann");
  const Json group = graph("/groups", R"({"displayName": "g", "mailNickname": "g",
      "mailEnabled": false, "securityEnabled": true})");
  graph(Method::kPost, "/groups/" + group["id"].text() + "/members/$ref",
        Json::object({{"@odata.id", "https://graph.x/v1.0/directoryObjects/" + ann.object_id}}),
        204);
  auto ask = [&](const std::string& scope, int status = 200) {
    return redeem(approved_code(ann, kCli, scope), kCli, status);
  };
  const Json all = ask("api://tasks/.default openid");
  EXPECT_EQ(all["scope"].text(),
            "api://tasks/Tasks.Read api://tasks/Tasks.Write api://tasks/.default");
  const Json claims = claims_of(all);
  EXPECT_EQ(claims["scp"].text(), "Tasks.Read Tasks.Write");
  EXPECT_EQ(claims["ver"].text(), "2.0");
  EXPECT_EQ(claims["aud"].text(), resource.app_id);
  EXPECT_FALSE(claims.contains("roles"));
  EXPECT_EQ(claims_of(ask("api://tasks/Tasks.Read"))["scp"].text(), "Tasks.Read");
  for (const char* unknown : {"Tasks.Old", "Tasks.Drop", "user_impersonation"})
    EXPECT_EQ(number_of(ask(cat({"api://tasks/", unknown}), 400)), 65005) << unknown;
  EXPECT_EQ(number_of(ask("api://nobody/.default", 400)), 500011);
  std::string code = approved_code(ann, kCli, "api://tasks/.default");
  for (const std::string& strange : {std::string("api://t%sks"), std::string("api://task_"),
                                     std::string(60'000, 'x'), std::string("api://\"tasks\\")})
    EXPECT_EQ(number_of(redeem(code, kCli, 400, strange + "/.default")), 500011)
        << strange.substr(0, 20);
  EXPECT_EQ(number_of(redeem(code, kCli, 400, "api://\xff/.default")), 70011);

  assign(group["id"].text(), resource, kAdmin);
  assign(ann.object_id, resource, kRun, 400);
  EXPECT_EQ(claims_of(ask("api://tasks/Tasks.Read"))["roles"].dump(), R"(["Tasks.Admin"])");
}

TEST_P(ServerTokenServiceTest, DefaultMeansWhatTheClientSaysItNeeds) {
  App resource = add_resource();
  Json properties = Json::parse(R"({"displayName": "client", "isFallbackPublicClient": true,
      "requiredResourceAccess": [{"resourceAppId": "X", "resourceAccess": [
        {"id": "22222222-0000-0000-0000-000000000002", "type": "Scope"},
        {"id": "11111111-0000-0000-0000-000000000001", "type": "Role"}]}]})")
                        .value();
  properties =
      Json::parse(replace_all(properties.dump(), "\"X\"", cat({"\"", resource.app_id, "\""})))
          .value();
  App client = add_app(properties);
  directory::Principal ann = add_user("ann");
  std::string code = approved_code(ann, client.app_id, "api://tasks/.default");
  EXPECT_EQ(claims_of(redeem(code, client.app_id))["scp"].text(), "Tasks.Write");
}

TEST_P(ServerTokenServiceTest, AssignmentsAreListedFromBothSides) {
  App resource = add_resource();
  App client = add_app(Json::object({{"displayName", "client"}}));
  assign(client.principal, resource, kRun);
  std::string held = "/servicePrincipals/" + client.principal + "/appRoleAssignments";
  std::string given = "/servicePrincipals/" + resource.principal + "/appRoleAssignedTo";
  const Json from_client = graph(Method::kGet, held, {}, 200)["value"];
  ASSERT_EQ(from_client.size(), 1u);
  const Json& one = from_client.items()[0];
  EXPECT_EQ(one["principalType"].text(), "ServicePrincipal");
  EXPECT_EQ(one["resourceDisplayName"].text(), "tasks");
  EXPECT_EQ(graph(Method::kGet, given, {}, 200)["value"].dump(), from_client.dump());
  EXPECT_EQ(graph(Method::kGet, given + "/" + one["id"].text(), {}, 200)["appRoleId"].text(), kRun);
  graph(Method::kPost, held,
        Json::object({{"principalId", resource.principal},
                      {"resourceId", resource.principal},
                      {"appRoleId", kRun}}),
        400);
  // The service principal shows what its application declares.
  const Json shown = graph(Method::kGet, "/servicePrincipals/" + resource.principal, {}, 200);
  EXPECT_EQ(shown["appRoles"].size(), 2u);
  EXPECT_EQ(shown["oauth2PermissionScopes"].size(), 3u);
  graph(Method::kDelete, given + "/" + one["id"].text(), {}, 204);
  graph(Method::kDelete, given + "/" + one["id"].text(), {}, 404);
  EXPECT_EQ(graph(Method::kGet, held, {}, 200)["value"].size(), 0u);
}

TEST_P(ServerTokenServiceTest, DeclarationsAreChecked) {
  for (const char* bad :
       {R"([{"id": "x", "displayName": "r", "value": "a", "allowedMemberTypes": ["User"]}])",
        R"([{"id": "11111111-0000-0000-0000-000000000001", "displayName": "r", "value": "a b",
             "allowedMemberTypes": ["User"]}])",
        R"([{"id": "11111111-0000-0000-0000-000000000001", "displayName": "r", "value": "a",
             "allowedMemberTypes": []}])",
        R"([{"id": "11111111-0000-0000-0000-000000000001", "displayName": "r", "value": "a",
             "allowedMemberTypes": ["User"]},
            {"id": "11111111-0000-0000-0000-000000000002", "displayName": "r", "value": "a",
             "allowedMemberTypes": ["User"]}])"})
    graph(Method::kPost, "/applications",
          Json::object({{"displayName", "a"}, {"appRoles", Json::parse(bad).value()}}), 400);
}

TEST_P(ServerTokenServiceTest, ADeviceCodeIsUsedUpOnlyByATokenThatWasGiven) {
  directory::Principal ann = add_user("ann");
  std::string arm = "https://management.lazuli.localhost/.default";
  std::string code = approved_code(ann, kCli, arm);
  EXPECT_EQ(number_of(redeem(code, kCli, 400, "api://nobody/.default")), 500011);
  EXPECT_EQ(claims_of(redeem(code, kCli))["oid"].text(), ann.object_id);
  EXPECT_EQ(number_of(redeem(code, kCli, 400)), 70018);
  std::string foreign = approved_code(ann, kCli, arm);
  EXPECT_EQ(number_of(redeem(foreign, "1950a258-227b-4e31-a9cf-717495945fc2", 400)), 70018);
}

TEST_P(ServerTokenServiceTest, AJobsIdentityEndsWithASignOutOfItsOwner) {
  directory::Principal ann = add_user("ann");
  auto ask = [&](const SecretString& credential, int status) {
    Call call;
    call.host = core::Host::kLogin;
    call.target = "/msi/token?resource=https://management.lazuli.localhost&api-version=2017-09-01";
    call.headers = {{"secret", std::string(credential.expose())}};
    return send(std::move(call), status);
  };
  Timestamp until = now() + std::chrono::hours(1);
  SecretString before = identity->job_credential({ann.object_id, "j1", {}, now(), until});
  TokenRequest request{.object_id = ann.object_id,
                       .audience = "https://management.lazuli.localhost",
                       .job_id = "j1",
                       .since = now()};
  EXPECT_EQ(claims_of(ask(before, 200))["oid"].text(), ann.object_id);
  EXPECT_TRUE(identity->issue_token(request).ok());

  graph(Method::kPost, "/users/" + ann.object_id + "/revokeSignInSessions", Json::object(), 200);
  ask(before, 400);
  EXPECT_EQ(identity->issue_token(request).error().code, Code::kPermissionDenied);
  // What is submitted afterwards is somebody's who has signed in again.
  SecretString after = identity->job_credential({ann.object_id, "j2", {}, now(), until});
  ask(after, 200);
  graph(Method::kPatch, "/users/" + ann.object_id, Json::object({{"accountEnabled", false}}), 204);
  ask(after, 400);
}

TEST_P(ServerTokenServiceTest, KeysAreRotatedAndTokensEndedByCommand) {
  App client = add_app(Json::object({{"displayName", "client"}}));
  QueryItems form = {{"grant_type", "client_credentials"},
                     {"client_id", client.app_id},
                     {"client_secret", secret_of(client)},
                     {"scope", "https://management.lazuli.localhost/.default"}};
  auto is_good = [&](const Json& answer) {
    http::RequestHead head;
    head.headers.add("Authorization", "Bearer " + answer["access_token"].text());
    return identity->bearer_authenticator()
        .verify(head, "https://management.lazuli.localhost")
        .ok();
  };
  const Json first = token(form), second = token(form);
  std::string keys = "/directory/signingKeys";
  EXPECT_EQ(graph(Method::kGet, keys, {}, 200)["value"].size(), 2u);
  const Json rotated =
      graph(Method::kPost, keys + "/rotate", Json::object({{"atOnce", true}}), 200);
  ASSERT_EQ(rotated["value"].size(), 4u);
  const Json third = token(form);
  EXPECT_TRUE(is_good(first) && is_good(second) && is_good(third));

  graph(Method::kPost, "/directory/revokedTokens", Json::object({{"uti", claims_of(first)["uti"]}}),
        204);
  EXPECT_FALSE(is_good(first));
  EXPECT_TRUE(is_good(second));
  for (const char* bad : {"", "x", "!!!!!!!!!!!!!!!!!!!!!!", "__________________8"})
    graph(Method::kPost, "/directory/revokedTokens", Json::object({{"uti", bad}}), 400);

  for (const Json& each : rotated["value"].items())
    graph(Method::kDelete, keys + "/" + each["keyId"].text(), {},
          each["state"].str() == "signing" ? 409 : 204);
  EXPECT_FALSE(is_good(second));
  EXPECT_TRUE(is_good(third));
}

}  // namespace
}  // namespace lazuli::server
