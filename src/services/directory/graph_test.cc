// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/ids.h"
#include "base/strings.h"
#include "codec/text.h"
#include "core/testing.h"
#include "crypto/x509.h"
#include "services/directory/service.h"

namespace lazuli::directory {
namespace {

using core::testing::Call;
using http::Method;

class DirectoryGraphTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  Json arm(Method method, const std::string& path, const Json& body = {}, int status = 200) {
    Call made;
    made.method = method;
    made.target = path + "?api-version=2024-11-30";
    if (!body.is_null()) made.body = body.dump();
    http::Response response = house.call(made);
    std::string text = core::testing::text_of(response);
    EXPECT_EQ(response.status, status) << path << " " << text;
    auto json = Json::parse(text);
    return json.ok() ? *json : Json(text);
  }
  Json call(Method method, const std::string& path, const Json& body = {}, int status = 200,
            const std::string& caller = "caller") {
    Call made;
    made.method = method;
    made.host = core::Host::kGraph;
    made.target = "/v1.0" + path;
    if (!body.is_null()) made.body = body.dump();
    made.headers = {{"ConsistencyLevel", "eventual"}};
    made.caller.object_id = caller;
    http::Response response = house.call(made);
    std::string text = core::testing::text_of(response);
    EXPECT_EQ(response.status, status) << path << " " << text;
    auto json = Json::parse(text);
    return json.ok() ? *json : Json(text);
  }
  Json get(const std::string& path, int status = 200) {
    return call(Method::kGet, path, {}, status);
  }
  Json post(const std::string& path, const Json& body, int status = 201) {
    return call(Method::kPost, path, body, status);
  }
  std::string add_user(const std::string& name) {
    const Json made = post("/users", parse(R"({"accountEnabled": true, "displayName": "N",
        "mailNickname": "N", "userPrincipalName": "N@example.org",
        "passwordProfile": {"password": "Secret-123", "forceChangePasswordNextSignIn": false}})",
                                           name));
    return made["id"].text();
  }
  std::string add_group(const std::string& name) {
    const Json made = post("/groups", parse(R"({"displayName": "N", "mailNickname": "N",
        "mailEnabled": false, "securityEnabled": true})",
                                            name));
    return made["id"].text();
  }
  IdentityProvider add_provider(const std::string& issuer, const std::string& matching) {
    post("/identity/identityProviders", Json::object({{"displayName", "There"},
                                                      {"issuer", issuer},
                                                      {"clientId", "c"},
                                                      {"accountMatching", matching}}));
    return directory->identity_providers()->back();
  }
  static Json links(const std::string& issuer, const std::string& subject) {
    return Json::object(
        {{"identities", Json::array({Json::object({{"signInType", "federated"},
                                                   {"issuer", issuer},
                                                   {"issuerAssignedId", subject}})})}});
  }
  // An application; its ids in id and appId.
  Json add_application(const std::string& name) {
    return post("/applications", Json::object({{"displayName", name}}));
  }
  static Json parse(const std::string& text, const std::string& name = {}) {
    return Json::parse(replace_all(text, "\"N", "\"" + name)).value();
  }
  static Json reference(const std::string& id) {
    return Json::object({{"@odata.id", "https://graph.x/v1.0/directoryObjects/" + id}});
  }
  static std::string code(const Json& answer) {
    const Json& read = answer;
    return read["error"]["code"].text();
  }

  std::unique_ptr<DirectoryService> directory = make_directory({.domain = "lazuli.localhost"});
  core::testing::TestHouse house{GetParam(), {directory.get()}};
};
INSTANTIATE_TEST_SUITE_P(Drivers, DirectoryGraphTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(DirectoryGraphTest, UsersAreMadeChangedAndDeleted) {
  std::string id = add_user("ann");
  const Json user = get("/users/ann@example.org");
  EXPECT_EQ(user["id"].text(), id);
  EXPECT_EQ(user["userType"].text(), "Member");
  EXPECT_EQ(get("/users('ANN@example.org')")["id"].text(), id);
  EXPECT_EQ(directory->verify_password("ann@example.org", SecretString("Secret-123"))->verdict,
            PasswordVerdict::kAccepted);
  call(Method::kPatch, "/users/" + id,
       parse(R"({"jobTitle": "Chef", "accountEnabled": false, "displayName": "Ann B"})"), 204);
  const Json changed = get("/users/" + id + "?$select=jobTitle,displayName,accountEnabled");
  EXPECT_EQ(changed["jobTitle"].text(), "Chef");
  EXPECT_FALSE(changed["accountEnabled"].boolean(true));
  EXPECT_FALSE(changed.contains("userPrincipalName"));
  EXPECT_FALSE(directory->standing(id)->enabled);
  call(Method::kDelete, "/users/" + id, {}, 204);
  EXPECT_EQ(code(get("/users/" + id, 404)), "Request_ResourceNotFound");
  EXPECT_FALSE(directory->standing(id)->exists);
}

TEST_P(DirectoryGraphTest, BadUsersAreRefused) {
  add_user("ann");
  for (const char* body :
       {R"({"displayName": "x"})",
        R"({"displayName": "x", "userPrincipalName": "x@y",
            "passwordProfile": {"password": "x"}})",
        R"({"displayName": "x", "userPrincipalName": "no", "passwordProfile": PW})",
        R"({"displayName": "x\r\ny", "userPrincipalName": "x@y", "passwordProfile": PW})",
        R"({"displayName": "x", "userPrincipalName": "ANN@example.org", "passwordProfile": PW})",
        R"({"displayName": "x", "isAdmin": 1, "userPrincipalName": "x@y", "passwordProfile": PW})",
        R"({"displayName": 3, "userPrincipalName": "x@y", "passwordProfile": PW})"})
    EXPECT_EQ(
        code(post("/users", parse(replace_all(body, "PW", R"({"password": "Aa1-bbbb"})")), 400)),
        "Request_BadRequest")
        << body;
}

TEST_P(DirectoryGraphTest, ListsFilterSelectCountAndPage) {
  for (const char* name : {"ann", "bob", "cid", "dan", "eve"}) add_user(name);
  EXPECT_EQ(get("/users?$filter=startswith(displayName,'B')")["value"].size(), 1u);
  EXPECT_EQ(get("/users?$filter=userPrincipalName%20eq%20'ANN@example.org'")["value"].size(), 1u);
  EXPECT_EQ(get("/users/$count").text(), "5");
  const Json ordered = get("/users?$orderby=displayName%20desc&$top=2&$count=true");
  EXPECT_EQ(ordered["value"].items().at(0)["displayName"].text(), "eve");
  EXPECT_EQ(ordered["@odata.count"].integer(), 5);
  std::string next = "/users?$top=2&$select=id";
  size_t seen = 0;
  for (int pages = 0; !next.empty() && pages < 5; ++pages) {
    const Json page = get(next);
    seen += page["value"].size();
    EXPECT_EQ(page["value"].items().at(0).size(), 1u);
    std::string link = page["@odata.nextLink"].text();
    next = link.empty() ? "" : link.substr(link.find("/v1.0") + 5);
  }
  EXPECT_EQ(seen, 5u);
  get("/users?$top=0", 400);
  get("/users?$filter=oops(", 400);
  EXPECT_EQ(code(get("/users?$search=x", 501)), "NotImplemented");
}

TEST_P(DirectoryGraphTest, GroupsHoldMembersThroughOthers) {
  std::string user = add_user("ann"), inner = add_group("inner"), outer = add_group("outer");
  post("/groups/" + inner + "/members/$ref", reference(user), 204);
  post("/groups/" + outer + "/members/$ref", reference(inner), 204);
  post("/groups/" + outer + "/members/$ref", reference(inner), 400);
  post("/groups/" + outer + "/members/$ref", reference(outer), 400);
  post("/groups/" + outer + "/members/$ref", reference(new_uuid()), 404);
  EXPECT_EQ(get("/groups/" + outer + "/members")["value"].size(), 1u);
  const Json all = get("/groups/" + outer + "/transitiveMembers");
  EXPECT_EQ(all["value"].size(), 2u);
  Json ask = Json::object({{"securityEnabledOnly", false}});
  EXPECT_EQ(post("/users/" + user + "/getMemberGroups", ask, 200)["value"].size(), 2u);
  Json check = Json::object({{"groupIds", Json::array({Json(outer), Json("x")})}});
  EXPECT_EQ(post("/directoryObjects/" + user + "/checkMemberGroups", check, 200)["value"].size(),
            1u);
  EXPECT_EQ(directory->standing(user)->groups->size(), 2u);
  call(Method::kDelete, "/groups/" + inner + "/members/" + user + "/$ref", {}, 204);
  EXPECT_TRUE(directory->standing(user)->groups->empty());
  call(Method::kDelete, "/groups/" + inner + "/members/" + user + "/$ref", {}, 404);
}

TEST_P(DirectoryGraphTest, AServicePrincipalNeedsItsApplication) {
  const Json application = add_application("app");
  std::string app_id = application["appId"].text();
  Json ask = Json::object({{"appId", app_id}, {"accountEnabled", true}});
  const Json principal = post("/servicePrincipals", ask);
  EXPECT_EQ(principal["servicePrincipalNames"].items().at(0).text(), app_id);
  EXPECT_EQ(code(post("/servicePrincipals", ask, 409)), "Request_MultipleObjectsWithSameKeyValue");
  EXPECT_EQ(code(post("/servicePrincipals", Json::object({{"appId", new_uuid()}}), 400)),
            "Request_BadRequest");
  EXPECT_EQ(get("/servicePrincipals(appId='" + app_id + "')")["id"].text(), principal["id"].text());
  std::string by_name = "/servicePrincipals?$filter=servicePrincipalNames/any(c:c%20eq%20'";
  EXPECT_EQ(get(by_name + app_id + "')")["value"].size(), 1u);
  call(Method::kPatch, "/applications/" + application["id"].text(),
       parse(R"({"identifierUris": ["api://thing"]})"), 204);
  for (const char* reserved :
       {"https://storage.azure.com", "api://AzureADTokenExchange",
        "HTTPS://Management.lazuli.localhost:8443/", "https://lazuli.localhost./"})
    call(Method::kPatch, "/applications/" + application["id"].text(),
         parse(cat({R"({"identifierUris": [")", reserved, R"("]})"})), 400);
  EXPECT_EQ(get(by_name + "api://thing')")["value"].size(), 1u);
  call(Method::kDelete, "/applications/" + application["id"].text(), {}, 204);
  EXPECT_FALSE(directory->find_by_app_id(app_id)->has_value());
}

TEST_P(DirectoryGraphTest, SecretsAreShownOnce) {
  const Json application = add_application("app");
  std::string item = "/applications/" + application["id"].text();
  post("/servicePrincipals", Json::object({{"appId", application["appId"]}}));
  Json ask = parse(R"({"passwordCredential": {"displayName": "rbac"}})");
  const Json made = post(item + "/addPassword", ask, 200);
  SecretString secret(made["secretText"].str());
  std::string app_id = application["appId"].text();
  EXPECT_TRUE(directory->verify_client_secret(app_id, secret).value());
  const Json read = get(item);
  const Json& kept = read["passwordCredentials"].items().at(0);
  EXPECT_TRUE(kept["secretText"].is_null());
  EXPECT_EQ(kept["hint"].text(), secret.expose().substr(0, 3));
  Json old = parse(R"({"passwordCredential": {"endDateTime": "2001-01-01T00:00:00Z"}})");
  post(item + "/addPassword", old, 400);
  post(item + "/removePassword", Json::object({{"keyId", made["keyId"]}}), 204);
  EXPECT_FALSE(directory->verify_client_secret(app_id, secret).value());
}

TEST_P(DirectoryGraphTest, CertificatesAreKeptByTheirThumbprints) {
  auto pair = crypto::make_authority({.common_name = "app", .domain = "x.test"}).value();
  const Json application = add_application("app");
  std::string item = "/applications/" + application["id"].text();
  Json credential = Json::object({{"type", "AsymmetricX509Cert"},
                                  {"usage", "Verify"},
                                  {"key", to_base64(pair.certificate_pem)}});
  Json list = Json::object({{"keyCredentials", Json::array({credential})}});
  call(Method::kPatch, item, list, 204);
  auto certificates = directory->certificates(application["appId"].text()).value();
  ASSERT_EQ(certificates.size(), 1u);
  EXPECT_EQ(certificates[0].sha256, crypto::inspect_certificate(pair.certificate_pem)->sha256);
  // What was read may be written back: it has no key, and stays.
  const Json read = get(item);
  call(Method::kPatch, item, Json::object({{"keyCredentials", read["keyCredentials"]}}), 204);
  EXPECT_EQ(directory->certificates(application["appId"].text())->size(), 1u);
  call(Method::kPatch, item, Json::object({{"keyCredentials", Json::array()}}), 204);
  EXPECT_TRUE(directory->certificates(application["appId"].text())->empty());
  Json bad = Json::object({{"key", "AAAA"}});
  call(Method::kPatch, item, Json::object({{"keyCredentials", Json::array({bad})}}), 400);
}

TEST_P(DirectoryGraphTest, FederatedCredentials) {
  const Json application = add_application("app");
  std::string base = "/applications/" + application["id"].text() + "/federatedIdentityCredentials";
  Json ask = parse(R"({"name": "ci", "issuer": "https://issuer", "subject": "repo:x",
                       "audiences": ["api://AzureADTokenExchange"]})");
  const Json made = post(base, ask);
  post(base, ask, 409);
  EXPECT_EQ(get(base + "/ci")["id"].text(), made["id"].text());
  call(Method::kPatch, base + "/" + made["id"].text(), parse(R"({"subject": "repo:y"})"), 204);
  auto known = directory->federated_credentials(application["appId"].text()).value();
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].subject, "repo:y");
  post(base, parse(R"({"name": "b", "issuer": "http://x", "subject": "s", "audiences": ["a"]})"),
       400);
  call(Method::kDelete, base + "/ci", {}, 204);
  EXPECT_EQ(get(base)["value"].size(), 0u);
}

TEST_P(DirectoryGraphTest, OwnersAndMe) {
  std::string user = add_user("ann");
  const Json application = add_application("app");
  std::string item = "/applications/" + application["id"].text();
  post(item + "/owners/$ref", reference(user), 204);
  EXPECT_EQ(get(item + "/owners")["value"].items().at(0)["@odata.type"].text(),
            "#microsoft.graph.user");
  const Json mine = call(Method::kGet, "/me/ownedObjects", {}, 200, user);
  EXPECT_EQ(mine["value"].items().at(0)["appId"].text(), application["appId"].text());
  EXPECT_EQ(call(Method::kGet, "/me", {}, 200, user)["id"].text(), user);
  call(Method::kGet, "/me", {}, 400);
  Json change = parse(R"({"currentPassword": "Secret-123", "newPassword": "Other-12345"})");
  call(Method::kPost, "/me/changePassword", change, 204, user);
  call(Method::kPost, "/me/changePassword", change, 400, user);
}

TEST_P(DirectoryGraphTest, ObjectsById) {
  std::string user = add_user("ann"), group = add_group("g");
  Json ask = Json::object({{"ids", Json::array({Json(user), Json(group), Json(new_uuid())})},
                           {"types", Json::array({Json("user")})}});
  const Json found = post("/directoryObjects/getByIds", ask, 200);
  ASSERT_EQ(found["value"].size(), 1u);
  EXPECT_EQ(found["value"].items().at(0)["@odata.type"].text(), "#microsoft.graph.user");
}

TEST_P(DirectoryGraphTest, ConsentsNameServicePrincipals) {
  Principal one = directory->ensure_service_principal("one").value();
  Principal two = directory->ensure_service_principal("two").value();
  Json ask = Json::object({{"clientId", one.object_id},
                           {"resourceId", two.object_id},
                           {"consentType", "AllPrincipals"},
                           {"scope", "User.Read"}});
  const Json made = post("/oauth2PermissionGrants", ask);
  post("/oauth2PermissionGrants", ask, 409);
  std::string filter = "?$filter=clientId%20eq%20'" + one.object_id + "'";
  EXPECT_EQ(get("/oauth2PermissionGrants" + filter)["value"].size(), 1u);
  call(Method::kDelete, "/oAuth2PermissionGrants/" + made["id"].text(), {}, 204);
  EXPECT_EQ(get("/oauth2PermissionGrants")["value"].size(), 0u);
}

TEST_P(DirectoryGraphTest, UserAssignedIdentitiesAreResourcesAndPrincipals) {
  std::string group = "/subscriptions/s/resourceGroups/g",
              type = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities";
  Json ask = parse(R"({"location": "local", "tags": {"a": "b"}})");
  const Json made = arm(Method::kPut, group + type + "/one", ask, 201);
  std::string principal = made["properties"]["principalId"].text();
  EXPECT_EQ(arm(Method::kPut, group + type + "/ONE", ask)["properties"]["principalId"].text(),
            principal);
  EXPECT_EQ(directory->find_by_object_id(principal)->value().resource_id, group + type + "/one");
  arm(Method::kPut, group + type + "/one", parse(R"({"location": "mars"})"), 409);
  arm(Method::kPut, group + type + "/a%20b", ask, 400);
  EXPECT_EQ(arm(Method::kGet, group + type)["value"].size(), 1u);
  EXPECT_EQ(arm(Method::kGet, "/subscriptions/s" + type)["value"].size(), 1u);
  EXPECT_EQ(arm(Method::kGet, "/subscriptions/other" + type)["value"].size(), 0u);
  EXPECT_EQ(get("/servicePrincipals/" + principal)["servicePrincipalType"].text(),
            "ManagedIdentity");
  call(Method::kPost, "/servicePrincipals/" + principal + "/addPassword", Json::object(), 400);
  std::string credential = group + type + "/one/federatedIdentityCredentials/pod";
  Json federated = parse(R"({"properties": {"issuer": "https://k8s", "subject": "sa",
                             "audiences": ["api://AzureADTokenExchange"]}})");
  arm(Method::kPut, credential, federated, 201);
  arm(Method::kPut, credential, federated, 200);
  std::string client = made["properties"]["clientId"].text();
  EXPECT_EQ(directory->federated_credentials(client)->size(), 1u);
  arm(Method::kDelete, credential, {}, 200);
  arm(Method::kDelete, credential, {}, 204);
  arm(Method::kDelete, group + type + "/one", {}, 200);
  arm(Method::kDelete, group + type + "/one", {}, 204);
  EXPECT_FALSE(directory->standing(principal)->exists);
}

TEST_P(DirectoryGraphTest, IdentitiesEndWithTheirResources) {
  const std::string group = "/subscriptions/s/resourceGroups/g",
                    thing = group + "/providers/A.B/c/d";
  auto handle = house.handle("directory");
  std::vector<std::string> principals;
  for (const std::string& id : {thing, thing + "/e/f", group + "2/providers/A.B/c/d"}) {
    auto made = handle.write([&](db::Tx& tx) {
      return directory->assign_identity(tx, id,
                                        {.type = "SystemAssigned", .system_assigned = true});
    });
    principals.push_back(made.value()["principalId"].text());
  }
  const Json ask = parse(R"({"location": "local"})");
  const std::string own = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one";
  const Json made = arm(Method::kPut, own, ask, 201);
  principals.push_back(made["properties"]["principalId"].text());
  const auto left = [&] {
    std::string all;
    for (const std::string& each : principals) all += directory->standing(each)->exists ? "1" : "0";
    return all;
  };
  const auto erase = [&](const std::string& id) {
    auto done =
        handle.write([&](db::Tx& tx) { return core::publish_deleted(house.events(), tx, id); });
    EXPECT_TRUE(done.ok());
  };
  EXPECT_EQ(left(), "1111");
  erase(to_lower(thing));
  EXPECT_EQ(left(), "0011");
  erase(group);
  EXPECT_EQ(left(), "0010") << "another group's name begins the same";
}

TEST_P(DirectoryGraphTest, ProvidersKeepTheirSecrets) {
  Json ask = parse(R"({"displayName": "Keycloak", "issuer": "https://idp", "clientId": "c",
                       "clientSecret": "hush"})");
  const Json made = post("/identity/identityProviders", ask);
  EXPECT_EQ(made["clientSecret"].text(), "****");
  EXPECT_EQ(directory->provider_secret(made["id"].text())->expose(), "hush");
  post("/identity/identityProviders", ask, 409);
  post("/identity/identityProviders", parse(R"({"displayName": "x", "issuer": "http://i"})"), 400);
  call(Method::kDelete, "/identity/identityProviders/" + made["id"].text(), {}, 204);
  call(Method::kDelete, "/identity/identityProviders/" + made["id"].text(), {}, 404);
}

TEST_P(DirectoryGraphTest, AnAccountIsLinkedByIssuerAndSubjectAlone) {
  IdentityProvider provider = add_provider("https://idp", "none");
  std::string ann = add_user("ann"), bob = add_user("bob");
  auto who = [&](const IdentityProvider& there, const std::string& subject) {
    auto answer = directory->external_person(there, {subject, "ann@example.org"}).value();
    return answer.user ? answer.user->object_id : std::string();
  };
  EXPECT_EQ(who(provider, "42"), "");
  call(Method::kPatch, "/users/" + ann, links("https://idp", "42"), 204);
  EXPECT_EQ(who(provider, "42"), ann);
  EXPECT_EQ(who(provider, "43"), "");
  IdentityProvider other = provider;
  other.issuer = "https://other";
  EXPECT_EQ(who(other, "42"), "");

  // Somebody else's account, or one of nobody's provider, is not to be had.
  call(Method::kPatch, "/users/" + bob, links("https://idp", "42"), 400);
  call(Method::kPatch, "/users/" + bob, links("https://nobody", "1"), 400);
  call(Method::kPatch, "/users/" + bob, links("https://idp", ""), 400);
  call(Method::kPatch, "/users/" + bob, parse(R"({"identities": [{"signInType": "emailAddress",
       "issuer": "https://idp", "issuerAssignedId": "x"}]})"),
       400);
  call(Method::kPatch, "/users/" + bob, parse(R"({"identities": null})"), 400);
  EXPECT_EQ(who(provider, "42"), ann);
}

TEST_P(DirectoryGraphTest, IdentitiesAreToldWhenAskedForAndGoAsAWhole) {
  add_provider("https://idp", "none");
  std::string ann = add_user("ann");
  call(Method::kPatch, "/users/" + ann, links("https://idp", "42"), 204);
  EXPECT_FALSE(get("/users/" + ann).contains("identities"));
  const Json told = get("/users/" + ann + "?$select=identities");
  EXPECT_EQ(told["identities"].items()[0]["issuerAssignedId"].text(), "ann@example.org");
  EXPECT_EQ(told["identities"].items()[1]["issuerAssignedId"].text(), "42");
  const Json found =
      get("/users?$filter=identities/any(i:i/issuerAssignedId%20eq%20'42'%20and%20"
          "i/issuer%20eq%20'https://idp')");
  ASSERT_EQ(found["value"].size(), 1u);
  EXPECT_EQ(found["value"].items()[0]["id"].text(), ann);

  // What was read may be written again; who loses an account is signed out.
  Timestamp before = now();
  call(Method::kPatch, "/users/" + ann, Json::object({{"identities", told["identities"]}}), 204);
  EXPECT_TRUE(directory->standing(ann)->admits(before));
  call(Method::kPatch, "/users/" + ann, parse(R"({"identities": []})"), 204);
  EXPECT_FALSE(directory->standing(ann)->admits(before));
  EXPECT_EQ(get("/users/" + ann + "?$select=identities")["identities"].size(), 1u);
}

TEST_P(DirectoryGraphTest, WhoHasAnExternalAccountNeedsNoPassword) {
  add_provider("https://idp", "none");
  Json ask = links("https://idp", "7");
  ask.set("displayName", "Ann").set("userPrincipalName", "ann@example.org");
  std::string ann = post("/users", ask)["id"].text();
  auto refused = directory->verify_password("ann@example.org", SecretString("Secret-123"));
  EXPECT_EQ(refused->verdict, PasswordVerdict::kRefused);
  ask.set("identities", Json::array()).set("userPrincipalName", "bob@example.org");
  post("/users", ask, 400);
}

TEST_P(DirectoryGraphTest, AVerifiedAddressLinksOnceWhereTheProviderSaysSo) {
  IdentityProvider provider = add_provider("https://idp", "verifiedEmail");
  std::string ann = add_user("ann");
  EXPECT_FALSE(directory->external_person(provider, {"42", ""})->user);
  EXPECT_FALSE(directory->external_person(provider, {"42", "nobody@example.org"})->user);
  auto first = directory->external_person(provider, {"42", "Ann@Example.org"}).value();
  ASSERT_TRUE(first.user);
  EXPECT_EQ(first.user->object_id, ann);
  EXPECT_TRUE(first.linked_now);
  // From now on the account decides, not the address; another account does not get it as well.
  EXPECT_EQ(directory->external_person(provider, {"42", ""})->user->object_id, ann);
  EXPECT_FALSE(directory->external_person(provider, {"43", "ann@example.org"})->user);
  post("/identity/identityProviders", parse(R"({"displayName": "x", "issuer": "https://i",
       "clientId": "c", "accountMatching": "always"})"),
       400);
}

TEST_P(DirectoryGraphTest, TheServersOwnPrincipalsStay) {
  Principal own = directory->ensure_service_principal("administrator").value();
  std::string application = directory->find_application(own.app_id)->value().object_id;
  call(Method::kDelete, "/servicePrincipals/" + own.object_id, {}, 400);
  call(Method::kDelete, "/applications/" + application, {}, 400);
  call(Method::kPatch, "/servicePrincipals/" + own.object_id, parse(R"({"accountEnabled": false})"),
       400);
}

}  // namespace
}  // namespace lazuli::directory
