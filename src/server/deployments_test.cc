// SPDX-License-Identifier: Apache-2.0
// Deployments on a whole server: inner templates, secrets, lists and whose rights they use.
#include <gtest/gtest.h>

#include <map>

#include "base/strings.h"
#include "server/testing.h"

namespace lazuli::server {
namespace {

using http::Method;

constexpr std::string_view kSchema =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
constexpr const char* kNetwork = "Microsoft.Network/virtualNetworks";
constexpr const char* kSecretParameter = R"("parameters":{"secret":{"type":"securestring"}},)";
constexpr const char* kSecretValue = R"({"secret":{"value":"hush-hush"}})";

class DeploymentsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server.start().ok());
    group = cat({"/subscriptions/", server.installation().subscription_id, "/resourceGroups/g"});
    ASSERT_EQ(send(Method::kPut, group, R"({"location":"local"})"), 201);
  }

  // The status; the answer's document is in `json`.
  int send(Method method, const std::string& path, const std::string& body = {},
           testing::Call call = {}) {
    call.method = method;
    call.target = path + (path.find('?') == path.npos ? "?" : "&") + "api-version=2024-03-01";
    call.body = body;
    call.headers.emplace_back("Content-Type", "application/json");
    answer = server.call(call);
    json = answer.json();
    return answer.status;
  }
  std::string deployment(const std::string& name) const {
    return cat({group, "/providers/Microsoft.Resources/deployments/", name});
  }
  std::string network(const std::string& name) const {
    return cat({group, "/providers/", kNetwork, "/", name});
  }
  // {"$schema", …} with these resources and, where given, parameters.
  static std::string document(const std::string& resources, const std::string& more = {}) {
    return cat({"{\"$schema\":\"", kSchema, "\",\"contentVersion\":\"1.0.0.0\",", more,
                "\"resources\":[", resources, "]}"});
  }
  static std::string order(const std::string& document, const std::string& parameters = "{}",
                           const char* mode = "Incremental") {
    return cat({R"({"properties":{"mode":")", mode, R"(","template":)", document,
                ",\"parameters\":", parameters, "}}"});
  }
  static std::string net(const std::string& name, const std::string& tag = "x") {
    return cat({R"({"type":")", kNetwork, R"(","apiVersion":"2023-11-01","name":")", name,
                R"(","location":"local","tags":{"t":")", tag, "\"}}"});
  }
  static std::string nested(const std::string& name, const std::string& properties) {
    return cat({R"({"type":"Microsoft.Resources/deployments","apiVersion":"2024-03-01","name":")",
                name, R"(","properties":{"mode":"Incremental",)", properties, "}}"});
  }
  // How the deployment ended.
  std::string deploy(const std::string& name, const std::string& body) {
    const int status = send(Method::kPut, deployment(name), body);
    if (status != 200 && status != 201) return cat({std::to_string(status), ": ", answer.body});
    const std::string run = json["properties"]["correlationId"].text();
    for (int tries = 0; tries < 20; ++tries) {
      send(Method::kGet, cat({deployment(name), "/operationStatuses/", run}));
      if (json["status"].str() != "Running" && json["status"].str() != "Accepted") break;
    }
    return json["status"].text();
  }
  Json what_if(const std::string& body) {
    EXPECT_EQ(send(Method::kPost, deployment("look") + "/whatIf", body), 202) << answer.body;
    const std::string location(answer.headers.get_or("Location", ""));
    const size_t path = location.find('/', location.find("://") + 3);
    answer = server.call({.target = location.substr(path)});
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json()["properties"]["changes"];
  }
  // What checkAccess says of a principal's right to make networks.
  std::string decision_on(const std::string& object_id, const testing::Call& call = {}) {
    const std::string about =
        cat({R"({"subject":{"attributes":{"objectId":")", object_id,
             R"("}},"actions":[{"id":"Microsoft.Network/virtualNetworks/write"}]})"});
    if (send(Method::kPost, group + "/providers/Microsoft.Authorization/checkAccess", about,
             call) != 200)
      return answer.body;
    const Json& first = json.items().at(0);
    return cat({first["accessDecision"].str(), " ", first["refusedBy"].str()});
  }
  void make_contributor(const std::string& object_id) {
    const std::string role = cat({group, "/providers/Microsoft.Authorization/roleAssignments/",
                                  "11111111-2222-4333-8444-555555555555"});
    ASSERT_EQ(
        send(Method::kPut, role,
             cat({R"({"properties":{"roleDefinitionId":)",
                  R"("b24988ac-6180-42a0-ab88-20f7382dd24c","principalId":")", object_id, "\"}}"})),
        201)
        << answer.body;
  }

  testing::WholeServer server;
  std::string group;
  testing::Answer answer;
  Json json;
};

TEST_F(DeploymentsTest, AnOuterSecretStaysOutOfAnInnerTemplate) {
  const std::string inner = document(net("in", "[parameters('secret')]"));
  const std::string body =
      order(document(nested("inner", "\"template\":" + inner), kSecretParameter), kSecretValue);
  EXPECT_EQ(deploy("outer", body), "Succeeded") << answer.body;
  ASSERT_EQ(send(Method::kGet, network("in")), 200);
  EXPECT_EQ(json["tags"]["t"].str(), "hush-hush") << "where it was asked for";
  for (const char* name : {"outer", "inner"}) {
    for (const char* below : {"", "/operations"}) {
      ASSERT_EQ(send(Method::kGet, deployment(name) + below), 200);
      EXPECT_EQ(answer.body.find("hush"), std::string::npos) << answer.body;
    }
    ASSERT_EQ(send(Method::kPost, deployment(name) + "/exportTemplate"), 200);
    EXPECT_EQ(answer.body.find("hush"), std::string::npos) << answer.body;
  }
  EXPECT_EQ(json["template"]["resources"].items().at(0)["tags"]["t"].str(),
            "[parameters('secret')]");
  EXPECT_EQ(json["template"]["parameters"]["secret"]["type"].str(), "securestring");
  const Json changes = what_if(body);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes.items()[0]["changeType"].str(), "NoChange") << changes.dump_pretty();
  EXPECT_EQ(changes.items()[0]["after"]["tags"]["t"].str(), "[parameters('secret')]");
}

TEST_F(DeploymentsTest, WhatIfLooksIntoInnerTemplates) {
  ASSERT_EQ(deploy("first", order(document(net("old")))), "Succeeded");
  const std::string own = R"("expressionEvaluationOptions":{"scope":"inner"},)";
  const std::string inner =
      document(cat({net("old", "[parameters('p')]"), ",", net("new", "[parameters('secret')]")}),
               R"("parameters":{"p":{"type":"string"},"secret":{"type":"securestring"}},)");
  const std::string given =
      R"("parameters":{"p":{"value":"changed"},"secret":{"value":"[parameters('secret')]"}},)";
  const std::string unknown =
      cat({R"("parameters":{"p":{"value":"[reference(')", network("old"),
           R"(', '2023-11-01').provisioningState]"},"secret":{"value":"x"}},)"});
  const Json changes =
      what_if(order(document(cat({nested("knows", cat({own, given, "\"template\":", inner})), ",",
                                  nested("waits", cat({own, unknown, "\"template\":", inner})), ",",
                                  net("beside")}),
                             kSecretParameter),
                    kSecretValue));
  std::map<std::string, Json> by_name;
  for (const Json& each : changes.items()) {
    const std::string id = each["resourceId"].text();
    by_name[id.substr(id.rfind('/') + 1)] = each;
  }
  EXPECT_EQ(by_name["old"]["changeType"].str(), "Modify") << changes.dump_pretty();
  ASSERT_FALSE(by_name["old"]["delta"].empty());
  EXPECT_EQ(by_name["old"]["delta"].items()[0]["after"].str(), "changed");
  EXPECT_EQ(by_name["new"]["changeType"].str(), "Create");
  EXPECT_EQ(by_name["new"]["after"]["tags"]["t"].str(), "[parameters('secret')]");
  EXPECT_EQ(by_name["beside"]["changeType"].str(), "Create");
  EXPECT_EQ(by_name["waits"]["changeType"].str(), "Unsupported");
  EXPECT_FALSE(by_name.contains("knows"));
  EXPECT_EQ(changes.dump().find("hush"), std::string::npos);
}

TEST_F(DeploymentsTest, CompleteModeKeepsWhatInnerTemplatesMade) {
  ASSERT_EQ(deploy("first", order(document(net("old")))), "Succeeded");
  const std::string inner = document(net("inside"));
  const std::string resources = cat({net("outside"), ",", nested("i", "\"template\":" + inner)});
  EXPECT_EQ(deploy("all", order(document(resources), "{}", "Complete")), "Succeeded")
      << answer.body;
  EXPECT_EQ(send(Method::kGet, network("inside")), 200);
  EXPECT_EQ(send(Method::kGet, network("outside")), 200);
  EXPECT_EQ(send(Method::kGet, network("old")), 404);
}

TEST_F(DeploymentsTest, ListsByPagesAndStates) {
  for (const char* name : {"one", "two", "three"})
    ASSERT_EQ(deploy(name, order(document(""))), "Succeeded");
  const std::string orphan =
      R"({"type":"Microsoft.Network/virtualNetworks/subnets",
          "apiVersion":"2023-11-01","name":"none/s","properties":{}})";
  ASSERT_EQ(deploy("bad", order(document(orphan))), "Failed");
  const std::string all = cat({group, "/providers/Microsoft.Resources/deployments"});
  ASSERT_EQ(send(Method::kGet, all + "?$top=3"), 200);
  ASSERT_EQ(json["value"].size(), 3u);
  EXPECT_EQ(json["value"].items()[0]["name"].str(), "bad");
  const std::string next = json["nextLink"].text();
  ASSERT_FALSE(next.empty());
  answer = server.call({.target = next.substr(next.find('/', 8))});
  const Json rest = answer.json();
  ASSERT_EQ(rest["value"].size(), 1u) << answer.body;
  EXPECT_EQ(rest["value"].items()[0]["name"].str(), "one");
  EXPECT_TRUE(rest["nextLink"].is_null());
  ASSERT_EQ(send(Method::kGet, all + "?$filter=provisioningState%20eq%20'Failed'"), 200);
  ASSERT_EQ(json["value"].size(), 1u);
  EXPECT_EQ(json["value"].items()[0]["name"].str(), "bad");
  for (const char* bad : {"provisioningState%20eq%20'Tired'", "name%20eq%20'bad'", "'Failed'"}) {
    EXPECT_EQ(send(Method::kGet, cat({all, "?$filter=", bad})), 400) << bad;
    EXPECT_EQ(json["error"]["code"].str(), "InvalidFilterInQueryString");
  }
}

TEST_F(DeploymentsTest, APollWaitsAsLongAsItPrefers) {
  const std::string slow =
      R"({"type":"Microsoft.Network/virtualNetworks","apiVersion":"2023-11-01",
          "name":"[concat('n', copyIndex())]","location":"local",
          "copy":{"name":"nets","count":700,"mode":"serial"}})";
  ASSERT_EQ(send(Method::kPut, deployment("slow"), order(document(slow))), 201);
  const std::string status =
      cat({deployment("slow"), "/operationStatuses/", json["properties"]["correlationId"].str()});
  const auto start = SteadyClock::now();
  ASSERT_EQ(send(Method::kGet, status, {}, {.headers = {{"Prefer", "wait=0"}}}), 200);
  EXPECT_NE(json["status"].str(), "Succeeded");
  EXPECT_LT(SteadyClock::now() - start, std::chrono::seconds(1));
  ASSERT_EQ(send(Method::kPost, deployment("slow") + "/cancel"), 204);
  for (int tries = 0; tries < 5 && json["status"].str() != "Canceled"; ++tries)
    ASSERT_EQ(send(Method::kGet, status), 200);
  EXPECT_EQ(json["status"].str(), "Canceled");
}

TEST_F(DeploymentsTest, ALimitedTokenStartsNone) {
  make_contributor(server.object_id("eve"));
  const testing::Call whole{.principal = "eve"};
  testing::Call limited = whole;
  limited.grants = {{{"*"}, group}};
  EXPECT_EQ(send(Method::kPut, network("n"), R"({"location":"local"})", limited), 201);
  EXPECT_EQ(send(Method::kPut, deployment("d"), order(document("")), limited), 403);
  EXPECT_EQ(json["error"]["code"].str(), "AuthorizationFailed");
  EXPECT_EQ(send(Method::kPut, deployment("d"), order(document("")), whole), 201);
}

// Asked about itself, what may a caller really do?
TEST_F(DeploymentsTest, CheckAccessKnowsWhatATokenIsLimitedTo) {
  const std::string eve = server.object_id("eve");
  make_contributor(eve);
  testing::Call as_eve{.principal = "eve"};
  const auto decision = [&](const testing::Call& call) { return decision_on(eve, call); };
  EXPECT_EQ(decision(as_eve), "Allowed ");
  as_eve.grants = {{{"Microsoft.Network/*/read"}, group}};
  EXPECT_EQ(decision(as_eve), "NotAllowed credentialLimited");
  as_eve.grants = {{{"Microsoft.Network/*"}, group}};
  EXPECT_EQ(decision(as_eve), "Allowed ");
  EXPECT_EQ(decision({}), "Allowed ") << "asked by another";
}

TEST_F(DeploymentsTest, CheckAccessKnowsTheDisabled) {
  const auto graph = [&](Method method, const std::string& path, const std::string& body) {
    answer = server.call({.method = method,
                          .host = "graph",
                          .target = "/v1.0" + path,
                          .body = body,
                          .headers = {{"Content-Type", "application/json"}}});
    json = answer.json();
    return answer.status;
  };
  ASSERT_EQ(graph(Method::kPost, "/applications", R"({"displayName":"ann"})"), 201) << answer.body;
  const std::string app = json["appId"].text();
  ASSERT_EQ(graph(Method::kPost, "/servicePrincipals", cat({R"({"appId":")", app, "\"}"})), 201);
  const std::string ann = json["id"].text();
  make_contributor(ann);
  EXPECT_EQ(decision_on(ann), "Allowed ");
  ASSERT_EQ(graph(Method::kPatch, "/servicePrincipals/" + ann, R"({"accountEnabled":false})"), 204);
  EXPECT_EQ(decision_on(ann), "NotAllowed principalDisabled");
  ASSERT_EQ(graph(Method::kDelete, "/servicePrincipals/" + ann, ""), 204);
  EXPECT_EQ(decision_on(ann), "NotAllowed principalMissing");
}

}  // namespace
}  // namespace lazuli::server
