// SPDX-License-Identifier: Apache-2.0
// What a deletion takes along, on a whole server.
#include <gtest/gtest.h>

#include <thread>

#include "base/ids.h"
#include "base/strings.h"
#include "server/testing.h"

namespace lazuli::server {
namespace {

using http::Method;

constexpr std::string_view kReaderRole = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

// A kind of resource: where it lies, and what it is made with.
struct Kind {
  const char* name;  // of the test
  bool in_workspace;
  const char* path;  // below the group or the workspace
  const char* body;
};

const Kind kKinds[] = {
    {"Vault", false, "/providers/Microsoft.KeyVault/vaults/v", R"({"location":"local"})"},
    {"Network", false, "/providers/Microsoft.Network/virtualNetworks/n", R"({"location":"local"})"},
    {"Insights", false, "/providers/Microsoft.Insights/components/i", R"({"location":"local"})"},
    {"Registry", false, "/providers/Microsoft.ContainerRegistry/registries/r",
     R"({"location":"local"})"},
    {"Identity", false, "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one",
     R"({"location":"local"})"},
    {"DeploymentOfATemplate", false, "/providers/Microsoft.Resources/deployments/d",
     R"({"properties":{"mode":"Incremental","template":{
        "$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion":"1.0.0.0","resources":[]}}})"},
    {"Compute", true, "/computes/cc",
     R"({"properties":{"computeType":"AmlCompute","properties":{"vmSize":"x"}}})"},
    {"Datastore", true, "/datastores/mine",
     R"({"properties":{"datastoreType":"AzureBlob","accountName":"ACCOUNT",
        "containerName":"azureml","credentials":{"credentialsType":"None"}}})"},
    {"OnlineEndpoint", true, "/onlineEndpoints/score-me",
     R"({"location":"local","properties":{"authMode":"Key"}})"},
    {"ModelVersion", true, "/models/m/versions/1",
     R"({"properties":{"modelUri":"azureml://datastores/workspaceblobstore/paths/x",
        "modelType":"custom_model"}})"},
    {"DataVersion", true, "/data/d/versions/1",
     R"({"properties":{"dataUri":"azureml://datastores/workspaceblobstore/paths/x",
        "dataType":"uri_file"}})"},
};

class DeletionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server.start().ok());
    group = cat({"/subscriptions/", server.installation().subscription_id, "/resourceGroups/g"});
    make_group();
  }

  static std::string versioned(const std::string& path) { return path + "?api-version=2024-04-01"; }
  int send(Method method, const std::string& path, const std::string& body = {},
           const std::string& principal = {}) {
    answer = server.call({.method = method,
                          .target = versioned(path),
                          .body = body,
                          .headers = {{"Content-Type", "application/json"}},
                          .principal = principal});
    return answer.status;
  }
  bool eve_may_read(const std::string& id) { return send(Method::kGet, id, {}, "eve") == 200; }
  void let_eve_read(const std::string& id) {
    const Json body = Json::object(
        {{"properties",
          Json::object({{"roleDefinitionId",
                         cat({"/providers/Microsoft.Authorization/roleDefinitions/", kReaderRole})},
                        {"principalId", server.object_id("eve")},
                        {"principalType", "ServicePrincipal"}})}});
    EXPECT_EQ(send(Method::kPut,
                   cat({id, "/providers/Microsoft.Authorization/roleAssignments/", new_uuid()}),
                   body.dump()),
              201)
        << answer.body;
  }
  void make(const std::string& id, const std::string& body) {
    send(Method::kPut, id, body);
    ASSERT_TRUE(answer.status == 200 || answer.status == 201) << id << ": " << answer.body;
  }
  void make_group() { make(group, R"({"location":"local"})"); }
  testing::WholeServer server;
  std::string group;
  testing::Answer answer;
};

// What was allowed on it does not wait for the next one of that name.
TEST_F(DeletionTest, RightsEndWithTheirResource) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.name);
    const std::string id = (kind.in_workspace ? server.workspace() : group) + kind.path;
    const std::string body =
        replace_all(kind.body, "ACCOUNT", server.installation().storage_account);
    make(id, body);
    EXPECT_FALSE(eve_may_read(id));
    let_eve_read(id);
    EXPECT_TRUE(eve_may_read(id)) << answer.body;
    EXPECT_EQ(send(Method::kDelete, id, {}, "eve"), 403);
    for (int tries = 0; tries < 200 && send(Method::kDelete, id) == 409; ++tries)  // it still runs
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(answer.status == 200 || answer.status == 202 || answer.status == 204)
        << answer.body;
    make(id, body);
    EXPECT_FALSE(eve_may_read(id)) << "made again";
  }
}

TEST_F(DeletionTest, AndWithWhatItLiesIn) {
  const std::string net = group + "/providers/Microsoft.Network/virtualNetworks/n";
  const std::string subnet = net + "/subnets/s";
  const std::string endpoint = server.workspace() + "/onlineEndpoints/score-me";
  const std::string blue = endpoint + "/deployments/blue";
  const std::string model = server.workspace() + "/models/m/versions/1";
  const auto make_all = [&] {
    make(net, R"({"location":"local"})");
    make(subnet, R"({"properties":{}})");
    make(endpoint, R"({"location":"local","properties":{"authMode":"Key"}})");
    make(blue, cat({R"({"location":"local","sku":{"name":"Default","capacity":1},)",
                    R"("properties":{"endpointComputeType":"Managed","model":")", model, "\"}}"}));
  };
  make(model, R"({"properties":{"modelUri":"azureml://datastores/workspaceblobstore/paths/x"}})");
  make_all();
  let_eve_read(subnet);
  let_eve_read(blue);
  EXPECT_TRUE(eve_may_read(subnet));
  EXPECT_TRUE(eve_may_read(blue));
  EXPECT_EQ(send(Method::kDelete, net), 200);
  EXPECT_EQ(send(Method::kDelete, endpoint), 202);
  make_all();
  EXPECT_FALSE(eve_may_read(subnet));
  EXPECT_FALSE(eve_may_read(blue));
  let_eve_read(blue);
  EXPECT_EQ(send(Method::kDelete, blue), 202);
  make_all();
  EXPECT_FALSE(eve_may_read(blue));
}

TEST_F(DeletionTest, AGroupTakesEverythingAlongOrNothing) {
  const std::string vault = group + "/providers/Microsoft.KeyVault/vaults/v";
  const std::string account = group + "/providers/Microsoft.Storage/storageAccounts/deletiontest";
  const std::string identity =
      group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one";
  const std::string lock = vault + "/providers/Microsoft.Authorization/locks/keep";
  make(vault, R"({"location":"local"})");
  make(identity, R"({"location":"local"})");
  const std::string principal = answer.json()["properties"]["principalId"].text();
  let_eve_read(group);
  make(lock, R"({"properties":{"level":"CanNotDelete"}})");
  EXPECT_EQ(send(Method::kDelete, group), 409);
  EXPECT_EQ(answer.json()["error"]["code"].str(), "ScopeLocked");
  EXPECT_EQ(send(Method::kGet, identity), 200);
  EXPECT_TRUE(eve_may_read(vault));
  EXPECT_EQ(send(Method::kDelete, lock), 200);
  EXPECT_EQ(send(Method::kDelete, group), 200) << answer.body;
  EXPECT_EQ(send(Method::kGet, vault), 404);
  EXPECT_EQ(send(Method::kGet, identity), 404);
  EXPECT_EQ(server.call({.host = "graph", .target = "/v1.0/servicePrincipals/" + principal}).status,
            404);
  EXPECT_EQ(send(Method::kPut, vault, R"({"location":"local"})"), 404);
  EXPECT_EQ(answer.json()["error"]["code"].str(), "ResourceGroupNotFound");
  EXPECT_EQ(send(Method::kPut, identity, R"({"location":"local"})"), 404);
  make_group();
  make(vault, R"({"location":"local"})");
  EXPECT_FALSE(eve_may_read(vault));
  EXPECT_EQ(send(Method::kGet, identity), 404);
  make(account, R"({"location":"local","sku":{"name":"Standard_LRS"},"kind":"StorageV2"})");
  EXPECT_EQ(send(Method::kDelete, group), 200) << answer.body;
  make_group();
  EXPECT_EQ(send(Method::kGet, account), 404);
}

TEST_F(DeletionTest, ALocationStays) {
  const std::string vault = group + "/providers/Microsoft.KeyVault/vaults/v";
  EXPECT_EQ(send(Method::kPut, vault, "{}"), 400);
  EXPECT_EQ(answer.json()["error"]["code"].str(), "LocationRequired");
  EXPECT_EQ(send(Method::kPut, vault, R"({"location":"no/where"})"), 400);
  make(vault, R"({"location":"East US"})");
  make(vault, R"({"location":"eastus"})");
  EXPECT_EQ(send(Method::kPut, vault, R"({"location":"westus"})"), 409);
  EXPECT_EQ(answer.json()["error"]["code"].str(), "InvalidResourceLocation");
  EXPECT_EQ(send(Method::kPut, group, R"({"location":"westus"})"), 409);
  EXPECT_EQ(answer.json()["error"]["code"].str(), "InvalidResourceGroupLocation");
}

TEST_F(DeletionTest, WhatIsDeployedIntoAGroupEndsWithIt) {
  const std::string deployment = group + "/providers/Microsoft.Resources/deployments/many";
  const std::string nets = group + "/providers/Microsoft.Network/virtualNetworks";
  make(deployment,
       R"({"properties":{"mode":"Incremental","template":{
        "$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion":"1.0.0.0","resources":[{"type":"Microsoft.Network/virtualNetworks",
        "apiVersion":"2023-11-01","name":"[concat('n', copyIndex())]","location":"local",
        "copy":{"name":"nets","count":700,"mode":"serial"}}]}}})");
  for (int tries = 0; tries < 500; ++tries) {
    ASSERT_EQ(send(Method::kGet, nets), 200);
    if (!answer.json()["value"].empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_FALSE(answer.json()["value"].empty());
  EXPECT_EQ(send(Method::kDelete, group), 200) << answer.body;
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // a step that ran has ended
  make_group();
  EXPECT_EQ(send(Method::kGet, deployment), 404);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(send(Method::kGet, nets), 200);
  EXPECT_TRUE(answer.json()["value"].empty()) << "nothing goes on making";
}

}  // namespace
}  // namespace lazuli::server
