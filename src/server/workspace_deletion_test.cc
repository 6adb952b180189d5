// SPDX-License-Identifier: Apache-2.0
// Storage accounts and workspaces end whole, on a whole server.
#include <gtest/gtest.h>

#include "base/ids.h"
#include "base/strings.h"
#include "server/testing.h"

namespace lazuli::server {
namespace {

using http::Method;
using testing::Answer;

constexpr std::string_view kReaderRole = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
constexpr std::string_view kModel =
    R"({"properties":{"modelUri":"azureml://datastores/workspaceblobstore/paths/x",)"
    R"("modelType":"custom_model"}})";

class WorkspaceDeletion : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = server.start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    group = cat({"/subscriptions/", server.installation().subscription_id, "/resourceGroups/g"});
    account = group + "/providers/Microsoft.Storage/storageAccounts/second";
    workspace = group + "/providers/Microsoft.MachineLearningServices/workspaces/mine";
    containers = account + "/blobServices/default/containers";
    make_all();
  }

  Answer send(Method method, const std::string& path, std::string body = {}) {
    return server.call({.method = method,
                        .target = path + "?api-version=2023-05-01",
                        .body = std::move(body),
                        .headers = {{"Content-Type", "application/json"}}});
  }
  void make(const std::string& id, std::string body) {
    const Answer answer = send(Method::kPut, id, std::move(body));
    ASSERT_TRUE(answer.status < 300) << id << ": " << answer.body;
  }
  void make_all() {
    make(group, R"({"location":"local"})");
    make(account, R"({"location":"local","kind":"StorageV2","sku":{"name":"Standard_LRS"}})");
    make(workspace,
         cat({R"({"location":"local","properties":{"storageAccount":")", account, "\"}}"}));
  }
  int status(const std::string& id) { return send(Method::kGet, id).status; }
  std::string code(Method method, const std::string& id) {
    return send(method, id).json()["error"]["code"].text();
  }
  Answer blob(Method method, const std::string& target, std::string content = {}) {
    return server.call(
        {.method = method,
         .host = "second.blob.core",
         .target = target,
         .body = std::move(content),
         .headers = {{"x-ms-version", "2024-11-04"}, {"x-ms-blob-type", "BlockBlob"}}});
  }
  std::vector<std::string> names(const std::string& query = {}) {
    const Json listed = server.get(cat({containers, "?api-version=2023-05-01", query})).json();
    std::vector<std::string> all;
    for (const Json& each : listed["value"].items()) all.push_back(each["name"].text());
    return all;
  }

  testing::WholeServer server;
  std::string group, account, workspace, containers;
};

TEST_F(WorkspaceDeletion, AnAccountsContainersAreTheSameByEitherWay) {
  ASSERT_EQ(blob(Method::kPut, "/by-data?restype=container").status, 201);
  ASSERT_EQ(
      send(Method::kPut, containers + "/by-arm", R"({"properties":{"metadata":{"Team":"a"}}})")
          .status,
      201);
  EXPECT_EQ(send(Method::kPut, containers + "/by-arm", "{}").status, 200);
  EXPECT_EQ(blob(Method::kGet, "/by-arm?restype=container").headers.get_or("x-ms-meta-team", ""),
            "a");
  const auto all = names();
  EXPECT_TRUE(std::ranges::count(all, "by-data") == 1 && std::ranges::count(all, "by-arm") == 1);
  EXPECT_EQ(names("&$filter=startswith(name,%20%27by-%27)"),
            (std::vector<std::string>{"by-arm", "by-data"}));
  const Json page =
      server
          .get(containers + "?api-version=2023-05-01&$maxpagesize=1&$filter=startswith(name,'by-')")
          .json();
  EXPECT_EQ(page["value"].size(), 1u);
  EXPECT_NE(page["nextLink"].text().find("$skipToken=by-data"), std::string::npos);

  const Json one = send(Method::kGet, containers + "/by-data").json();
  EXPECT_EQ(one["id"].text(), containers + "/by-data");
  EXPECT_EQ(one["properties"]["publicAccess"].text(), "None");
  EXPECT_EQ(
      send(Method::kPatch, containers + "/by-data", R"({"properties":{"metadata":{"k":"v"}}})")
          .json()["properties"]["metadata"]["k"]
          .text(),
      "v");
  EXPECT_EQ(send(Method::kPut, containers + "/Bad_Name", "{}").status, 400);
  EXPECT_EQ(
      send(Method::kPut, containers + "/open", R"({"properties":{"publicAccess":"Blob"}})").status,
      501);
  EXPECT_EQ(status(containers + "/absent"), 404);
  EXPECT_EQ(status(replace_all(containers, "second", "absent") + "/by-data"), 404);
  EXPECT_EQ(server.get(containers + "?$filter=contains(name,'x')").status, 400);

  EXPECT_EQ(send(Method::kDelete, containers + "/by-data").status, 200);
  EXPECT_EQ(send(Method::kDelete, containers + "/by-data").status, 204);
  EXPECT_EQ(blob(Method::kGet, "/by-data?restype=container").status, 404);
  EXPECT_EQ(blob(Method::kDelete, "/by-arm?restype=container").status, 202);
  EXPECT_EQ(status(containers + "/by-arm"), 404);
}

TEST_F(WorkspaceDeletion, AWorkspaceTakesAlongWhatItHolds) {
  make(workspace + "/models/m/versions/1", std::string(kModel));
  make(workspace + "/computes/c1",
       R"({"properties":{"computeType":"AmlCompute","properties":{"vmSize":"x"}}})");
  make(workspace + "/onlineEndpoints/deletion-test",
       R"({"location":"local","properties":{"authMode":"Key"}})");
  const std::string principal =
      send(Method::kGet, workspace).json()["identity"]["principalId"].text();
  make(cat({group, "/providers/Microsoft.Authorization/roleAssignments/", new_uuid()}),
       Json::object({{"properties",
                      Json::object({{"roleDefinitionId",
                                     cat({"/providers/Microsoft.Authorization/roleDefinitions/",
                                          kReaderRole})},
                                    {"principalId", principal}})}})
           .dump());
  auto assigned = [&] {
    const Answer answer = server.get(
        cat({group, "/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01"}));
    return answer.body.find(principal) != std::string::npos;
  };
  EXPECT_TRUE(assigned());

  EXPECT_EQ(code(Method::kDelete, workspace), "WorkspaceHasEndpoints");
  EXPECT_EQ(status(workspace + "/models/m/versions/1"), 200) << "nothing goes, or all";
  EXPECT_EQ(send(Method::kDelete, workspace + "/onlineEndpoints/deletion-test").status, 202);
  const Answer gone = send(Method::kDelete, workspace);
  EXPECT_EQ(gone.status, 202) << gone.body;
  EXPECT_TRUE(gone.headers.contains("Azure-AsyncOperation"));
  EXPECT_EQ(status(workspace), 404);
  EXPECT_EQ(status(workspace + "/models/m/versions/1"), 404);
  EXPECT_EQ(send(Method::kDelete, workspace).status, 204);
  EXPECT_EQ(status(account), 200) << "the account stays, as in Azure";

  make_all();
  EXPECT_EQ(status(workspace + "/models/m/versions/1"), 404) << "made again, it is empty";
  EXPECT_EQ(status(workspace + "/computes/c1"), 404);
  EXPECT_NE(send(Method::kGet, workspace).json()["identity"]["principalId"].text(), principal);
}

TEST_F(WorkspaceDeletion, AnAccountTakesItsDataAlong) {
  ASSERT_EQ(blob(Method::kPut, "/data?restype=container").status, 201);
  ASSERT_EQ(blob(Method::kPut, "/data/a", "x").status, 201);
  const std::string key = send(Method::kPost, account + "/listKeys").json().dump();
  EXPECT_EQ(send(Method::kDelete, account).status, 200);
  EXPECT_EQ(status(account), 404);
  EXPECT_EQ(status(containers), 404);
  EXPECT_GE(blob(Method::kGet, "/data/a").status, 400);
  EXPECT_EQ(send(Method::kDelete, account).status, 204);
  EXPECT_EQ(send(Method::kDelete, workspace).status, 202) << "its workspace can go after it";

  make_all();
  EXPECT_EQ(blob(Method::kGet, "/data/a").status, 404);
  EXPECT_NE(send(Method::kPost, account + "/listKeys").json().dump(), key);
}

TEST_F(WorkspaceDeletion, AGroupTakesBothAlong) {
  make(workspace + "/onlineEndpoints/deletion-test",
       R"({"location":"local","properties":{"authMode":"Key"}})");
  const Answer gone = send(Method::kDelete, group);
  EXPECT_TRUE(gone.status == 200 || gone.status == 202) << gone.body;
  make_all();
  EXPECT_EQ(status(workspace + "/onlineEndpoints/deletion-test"), 404);
}

TEST_F(WorkspaceDeletion, WhatTheInstallationWasMadeWithStays) {
  EXPECT_EQ(code(Method::kDelete, server.workspace()), "WorkspaceDeletionBlocked");
  const std::string home =
      cat({server.workspace().substr(0, server.workspace().find("/providers/")),
           "/providers/Microsoft.Storage/storageAccounts/", server.installation().storage_account});
  EXPECT_EQ(code(Method::kDelete, home), "StorageAccountDeletionBlocked");
  EXPECT_EQ(status(server.workspace()), 200);
  EXPECT_EQ(status(home), 200);
}

}  // namespace
}  // namespace lazuli::server
