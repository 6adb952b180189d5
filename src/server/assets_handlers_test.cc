// SPDX-License-Identifier: Apache-2.0
// The handlers of assets on the real services, through the real chain.
#include <gtest/gtest.h>

#include "base/strings.h"
#include "server/testing.h"

namespace lazuli::server {
namespace {

using testing::Answer;
using testing::Caller;

constexpr const char* kMlmodel =
    "flavors:\n  onnx:\n    onnx_version: 1.16.0\n  python_function:\n    loader_module: "
    "mlflow.onnx\nmodel_uuid: abc\n";

class AssetsHandlers : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = server_.start();
    ASSERT_TRUE(started.ok()) << started.error().message;
  }
  Answer put(const std::string& below, const Json& properties) {
    return server_.put(server_.workspace() + below, Json::object({{"properties", properties}}));
  }
  Answer get(const std::string& below) { return server_.get(server_.workspace() + below); }
  Json data(const std::string& path) {
    return Json::object({{"dataType", "uri_file"},
                         {"dataUri", "azureml://datastores/workspaceblobstore/paths/" + path}});
  }
  Answer mlflow(const std::string& name, const Json& body, Caller caller) {
    return server_.call(
        {.method = http::Method::kPost,
         .host = "local.api.ml.azure",
         .target = cat({"/mlflow/v1.0", server_.workspace(), "/api/2.0/mlflow/", name}),
         .body = body.dump(),
         .caller = caller});
  }
  // The address of a blob in a container of its own, which no datastore names.
  std::string put_private_blob(const std::string& path, const std::string& content) {
    server_.call({.method = http::Method::kPut,
                  .host = server_.blob_host(),
                  .target = "/private?restype=container",
                  .headers = {{"x-ms-version", "2024-11-04"}}});
    EXPECT_EQ(server_.put_blob("/private/" + path, content).status, 201);
    return cat({"https://", server_.blob_host(), ".", server_.installation().domain,
                ":8443/private/", path});
  }

  testing::WholeServer server_;
};

TEST_F(AssetsHandlers, VersionsAreNumberedAndDoNotChangeTheirFiles) {
  EXPECT_EQ(get("/data/rows").status, 404);
  EXPECT_EQ(put("/data/rows/versions/1", data("a.csv")).status, 201);
  EXPECT_EQ(put("/data/rows/versions/1", data("a.csv")).status, 200);
  Answer moved = put("/data/rows/versions/1", data("b.csv"));
  EXPECT_EQ(moved.status, 400);
  EXPECT_EQ(moved.json()["error"]["code"].str(), "UserError");
  EXPECT_EQ(moved.json()["error"]["message"].str(), "Asset paths cannot be updated.");
  EXPECT_EQ(put("/data/rows/versions/9", data("c.csv")).status, 201);
  EXPECT_EQ(get("/data/rows").json()["properties"]["nextVersion"].str(), "10");
  EXPECT_EQ(get("/data/rows/versions/azureml_default").json()["name"].str(), "9");

  Json archived = data("c.csv");
  archived.set("isArchived", true);
  EXPECT_EQ(put("/data/rows/versions/9", archived).status, 200);
  EXPECT_EQ(get("/data/rows/versions/azureml_default").json()["name"].str(), "1");
  EXPECT_EQ(get("/data/rows/versions").json()["value"].size(), 1u);
  EXPECT_EQ(get("/data/rows/versions?listViewType=ArchivedOnly").json()["value"].size(), 1u);
  EXPECT_EQ(get("/data/rows/versions?listViewType=All").json()["value"].size(), 2u);
  EXPECT_EQ(get("/data/rows/versions?listViewType=Odd").status, 400);
}

TEST_F(AssetsHandlers, AChangedEnvironmentIsAConflict) {
  const Json first = Json::object({{"image", "i"}, {"condaFile", "dependencies: [pip]"}});
  EXPECT_EQ(put("/environments/e/versions/1", first).status, 201);
  EXPECT_EQ(put("/environments/e/versions/1", first).status, 200);
  EXPECT_EQ(put("/environments/e/versions/1", Json::object({{"image", "other"}})).status, 409);
  for (const char* conda : {"[", "- a list", "3"}) {
    Answer refused =
        put("/environments/e/versions/2", Json::object({{"image", "i"}, {"condaFile", conda}}));
    EXPECT_EQ(refused.status, 400) << conda;
    EXPECT_NE(refused.body.find("condaFile"), std::string::npos) << refused.body;
  }
}

TEST_F(AssetsHandlers, RefusesWhatIsNoAsset) {
  EXPECT_EQ(put("/data/rows/versions/1", Json()).status, 400);
  EXPECT_EQ(put("/data/rows/versions/1", Json::object()).status, 400);
  EXPECT_EQ(put("/data/rows/versions/1", Json::object({{"dataUri", 3}})).status, 400);
  EXPECT_EQ(put("/data/rows/versions/1", data("../secret")).status, 400);
  EXPECT_EQ(put("/data/.rows/versions/1", data("a")).status, 400);
  EXPECT_EQ(put("/data/rows/versions/a%20b", data("a")).status, 400);
  EXPECT_EQ(put("/components/c/versions/1", Json::object({{"componentSpec", "x"}})).status, 400);
  Json elsewhere = Json::object({{"dataUri", "azureml://datastores/none/paths/a"}});
  EXPECT_EQ(put("/data/rows/versions/1", elsewhere).status, 404);
  EXPECT_EQ(get("/data/rows").status, 404);
}

TEST_F(AssetsHandlers, ListsInPages) {
  for (const char* version : {"1", "2", "3"})
    ASSERT_EQ(put(cat({"/data/rows/versions/", version}), data("a.csv")).status, 201);
  Json two = get("/data/rows/versions?$top=2").json();
  EXPECT_EQ(two["value"].size(), 2u);
  EXPECT_EQ(two["value"].items()[0]["name"].str(), "3");
  EXPECT_EQ(get("/data").json()["value"].size(), 1u);
}

TEST_F(AssetsHandlers, CodeIsUploadedIntoAContainerOfItsOwn) {
  Answer pending =
      server_.call({.method = http::Method::kPost,
                    .target = server_.workspace() + "/codes/c/versions/1/startPendingUpload",
                    .body = R"({"pendingUploadType": "TemporaryBlobReference"})"});
  ASSERT_EQ(pending.status, 200) << pending.body;
  const Json reference = pending.json()["blobReferenceForConsumption"];
  const std::string uri = reference["blobUri"].text();
  const std::string sas = reference["credential"]["sasUri"].text().substr(uri.size());
  const std::string container = uri.substr(uri.rfind('/'));
  auto upload = [&](const std::string& into) {
    return server_
        .call({.method = http::Method::kPut,
               .host = server_.blob_host(),
               .target = into + "/src/run.py" + sas,
               .body = "print()",
               .headers = {{"x-ms-version", "2024-11-04"}, {"x-ms-blob-type", "BlockBlob"}},
               .caller = Caller::kNobody})
        .status;
  };
  EXPECT_EQ(upload(container), 201);
  EXPECT_EQ(upload("/azureml"), 403);
  const Json properties = Json::object(
      {{"codeUri", uri + "/src"}, {"properties", Json::object({{"hash_sha256", "abc"}})}});
  EXPECT_EQ(put("/codes/c/versions/1", properties).status, 201);
  EXPECT_EQ(get("/codes/other/versions?hash=abc").json()["value"].size(), 1u);
  EXPECT_EQ(get("/codes/other/versions?hash=abd").json()["value"].size(), 0u);
}

// Whoever registers it, a model's flavors are what its MLmodel says.
TEST_F(AssetsHandlers, ReadsAModelsFlavors) {
  Json store = get("/datastores/workspaceartifactstore").json();
  const std::string container = store["properties"]["containerName"].text();
  ASSERT_EQ(server_.put_blob(cat({"/", container, "/m/MLmodel"}), kMlmodel).status, 201);
  const std::string uri = "azureml://datastores/workspaceartifactstore/paths/m";
  auto shown = [&](const std::string& name) {
    return get(cat({"/models/", name, "/versions/1"})).json()["properties"]["flavors"];
  };
  ASSERT_EQ(put("/models/by-arm/versions/1",
                Json::object({{"modelUri", uri}, {"modelType", "mlflow_model"}}))
                .status,
            201);
  EXPECT_EQ(shown("by-arm")["onnx"]["data"]["onnx_version"].text(), "1.16.0");

  const Json name = Json::object({{"name", "by-mlflow"}});
  ASSERT_EQ(mlflow("registered-models/create", name, Caller::kMlflow).status, 200);
  Json version = Json::object({{"name", "by-mlflow"}, {"source", uri}});
  ASSERT_EQ(mlflow("model-versions/create", version, Caller::kMlflow).status, 200);
  EXPECT_EQ(shown("by-mlflow"), shown("by-arm"));

  ASSERT_EQ(put("/models/custom/versions/1", Json::object({{"modelUri", uri}})).status, 201);
  EXPECT_TRUE(shown("custom").empty());
}

// A place that no datastore lends is read as who asks for it.
TEST_F(AssetsHandlers, AnAddressIsReadOnTheCallersAuthority) {
  const std::string uri = put_private_blob("m/MLmodel", kMlmodel);
  const Json name = Json::object({{"name", "mine"}});
  ASSERT_EQ(mlflow("registered-models/create", name, Caller::kMlflow).status, 200);
  const Json version = Json::object({{"name", "mine"}, {"source", uri.substr(0, uri.rfind('/'))}});
  const Answer refused = mlflow("model-versions/create", version, Caller::kMlflow);
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(get("/models/mine/versions/1").status, 404);
  EXPECT_EQ(mlflow("model-versions/create", version, Caller::kAdministrator).status, 200);
  const Json model = get("/models/mine/versions/1").json();
  EXPECT_EQ(model["properties"]["flavors"].members().size(), 2u);
  // Nor may the files be read by way of the registered model.
  auto fetch = [&](Caller caller) {
    return server_
        .call({.host = "local.api.ml.azure",
               .target = cat({"/mlflow/v1.0", server_.workspace(),
                              "/api/2.0/mlflow-artifacts/artifacts/registered/mine/1/artifacts/"
                              "MLmodel"}),
               .caller = caller})
        .status;
  };
  EXPECT_EQ(fetch(Caller::kMlflow), 403);
  EXPECT_EQ(fetch(Caller::kAdministrator), 200);
}

}  // namespace
}  // namespace lazuli::server
