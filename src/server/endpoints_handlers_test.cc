// SPDX-License-Identifier: Apache-2.0
// Online endpoints on the real services, through the real chain.
#include <gtest/gtest.h>

#include <thread>

#include "base/strings.h"
#include "server/testing.h"

namespace lazuli::server {
namespace {

using http::Method;
using testing::Answer;
using testing::Caller;

// Protocol buffers' wire format, as far as a model of one node needs it.
std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 128; value >>= 7) out += static_cast<char>(value | 128);
  return out + static_cast<char>(value);
}
std::string number(uint32_t field, uint64_t value) { return varint(field << 3) + varint(value); }
std::string bytes(uint32_t field, std::string_view content) {
  return cat({varint(field << 3 | 2), varint(content.size()), content});
}

// y = x + x over float rows of any number and length 2: https://github.com/onnx/onnx, onnx.proto.
std::string doubling_model() {
  auto value = [](const char* name) {
    const std::string shape = bytes(1, bytes(2, "n")) + bytes(1, number(1, 2));
    const std::string tensor = number(1, 1) + bytes(2, shape);  // 1: float
    return bytes(1, name) + bytes(2, bytes(1, tensor));
  };
  const std::string node = bytes(1, "x") + bytes(1, "x") + bytes(2, "y") + bytes(4, "Add");
  const std::string graph =
      bytes(1, node) + bytes(2, "doubling") + bytes(11, value("x")) + bytes(12, value("y"));
  return number(1, 8) + bytes(7, graph) + bytes(8, number(2, 13));
}

class EndpointsHandlers : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = server_.start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    const Json store = server_.get(server_.workspace() + "/datastores/workspaceblobstore").json();
    container_ = store["properties"]["containerName"].text();
    ASSERT_EQ(put_endpoint(R"({"authMode": "Key"})").status, 201);
  }
  Answer put(const std::string& below, const Json& body) {
    return server_.put(server_.workspace() + below, body);
  }
  Answer put_endpoint(std::string_view properties) {
    return put(kEndpoint, Json::object({{"location", "local"},
                                        {"properties", Json::parse(properties).value()}}));
  }
  void put_model(const std::string& name, const std::string& content) {
    ASSERT_EQ(server_.put_blob(cat({"/", container_, "/", name, "/m.onnx"}), content).status, 201);
    const std::string uri = "azureml://datastores/workspaceblobstore/paths/" + name;
    ASSERT_EQ(put(cat({"/models/", name, "/versions/1"}),
                  Json::object({{"properties", Json::object({{"modelUri", uri}})}}))
                  .status,
              201);
  }
  Answer deploy(const std::string& name, const std::string& model) {
    return put(
        cat({kEndpoint, "/deployments/", name}),
        Json::object({{"properties", Json::object({{"model", cat({"azureml:", model, ":1"})}})}}));
  }
  // How the operation that an answer began has ended.
  Json end_of(const Answer& begun) {
    const std::string url(begun.headers.get_or("Azure-AsyncOperation", ""));
    const std::string target = url.substr(std::min(url.find("/subscriptions"), url.size()));
    for (int i = 0; i < 1000; ++i) {
      Json status = server_.get(target).json();
      if (status["status"].str() != "InProgress") return status;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {};
  }
  Answer score(const std::string& key, std::string body,
               std::vector<std::pair<std::string, std::string>> headers = {}) {
    if (!key.empty()) headers.emplace_back("Authorization", "Bearer " + key);
    return server_.call({.method = Method::kPost,
                         .host = "doubles.local.inference.ml.azure",
                         .target = "/score",
                         .body = std::move(body),
                         .headers = std::move(headers),
                         .caller = Caller::kNobody});
  }
  Json keys() {
    return server_
        .call(
            {.method = Method::kPost, .target = cat({server_.workspace(), kEndpoint, "/listKeys"})})
        .json();
  }

  static constexpr const char* kEndpoint = "/onlineEndpoints/doubles";
  static constexpr const char* kRows = R"({"input_data": [[1, 2], [3, 4]]})";
  testing::WholeServer server_;
  std::string container_;
};

TEST_F(EndpointsHandlers, AModelIsDeployedAndScored) {
  put_model("doubling", doubling_model());
  const Answer begun = deploy("blue", "doubling");
  ASSERT_EQ(begun.status, 201) << begun.body;
  const Json end = end_of(begun);
  ASSERT_EQ(end["status"].str(), "Succeeded") << end.dump();
  const std::string key = keys()["primaryKey"].text();

  EXPECT_EQ(score(key, kRows).status, 404);  // no traffic yet
  EXPECT_EQ(score(key, kRows, {{"azureml-model-deployment", "blue"}}).status, 200);
  EXPECT_EQ(score(key, kRows, {{"azureml-model-deployment", "green"}}).status, 404);
  ASSERT_EQ(put_endpoint(R"({"authMode": "Key", "traffic": {"blue": 100}})").status, 200);
  const Answer scored = score(key, kRows);
  EXPECT_EQ(scored.status, 200) << scored.body;
  EXPECT_EQ(scored.headers.get_or("azureml-model-deployment", ""), "blue");
  EXPECT_NE(scored.body.find("[2"), std::string::npos) << scored.body;
  EXPECT_NE(scored.body.find('8'), std::string::npos) << scored.body;
  for (const char* wrong :
       {"", "{", R"({"input_data": [[1]]})", R"({"input_data": [["a", "b"]]})"}) {
    const Answer refused = score(key, wrong);
    EXPECT_EQ(refused.status, 424) << wrong;
    EXPECT_EQ(refused.headers.get_or("ms-azureml-model-error-statuscode", ""), "400") << wrong;
  }

  EXPECT_EQ(server_
                .call({.method = Method::kDelete,
                       .target = cat({server_.workspace(), kEndpoint, "/deployments/blue"})})
                .status,
            400);  // it has traffic
  server_.stop();
  ASSERT_TRUE(server_.start().ok());
  for (int i = 0; i < 500 && score(key, kRows).status != 200; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(score(key, kRows).body, scored.body);
}

TEST_F(EndpointsHandlers, KeysOpenAndAreRenewed) {
  EXPECT_EQ(score("", kRows).status, 401);
  EXPECT_EQ(score("wrong", kRows).status, 401);
  const Json before = keys();
  const std::string target = cat({server_.workspace(), kEndpoint, "/regenerateKeys"});
  auto renew = [&](const char* body) {
    return server_.call({.method = Method::kPost, .target = target, .body = body}).status;
  };
  EXPECT_EQ(renew(R"({"keyType": "Third"})"), 400);
  EXPECT_EQ(renew(R"({"keyType": "Primary"})"), 202);
  const Json after = keys();
  EXPECT_NE(after["primaryKey"].text(), before["primaryKey"].text());
  EXPECT_EQ(after["secondaryKey"].text(), before["secondaryKey"].text());
  EXPECT_EQ(score(before["primaryKey"].text(), kRows).status, 401);
  EXPECT_EQ(score(before["secondaryKey"].text(), kRows).status, 404);  // known, nothing deployed
}

TEST_F(EndpointsHandlers, ABrokenModelFailsItsDeploymentWithTheReason) {
  put_model("broken", "this is no model");
  const Json end = end_of(deploy("blue", "broken"));
  EXPECT_EQ(end["status"].str(), "Failed");
  EXPECT_NE(end["error"]["message"].text().find("m.onnx"), std::string::npos) << end.dump();
  const Answer logs =
      server_.call({.method = Method::kPost,
                    .target = cat({server_.workspace(), kEndpoint, "/deployments/blue/getLogs"}),
                    .body = R"({"tail": 10})"});
  EXPECT_NE(logs.body.find("could not be loaded"), std::string::npos) << logs.body;
}

TEST_F(EndpointsHandlers, RefusesWhatCannotBe) {
  EXPECT_EQ(put_endpoint(R"({"authMode": "Password"})").status, 400);
  EXPECT_EQ(put_endpoint(R"({"authMode": "Key", "traffic": {"blue": 100}})").status, 400);
  EXPECT_EQ(deploy("blue", "absent").status, 404);
  const Json script = Json::object(
      {{"properties",
        Json::object({{"model", "azureml:absent:1"},
                      {"codeConfiguration", Json::object({{"scoringScript", "s.py"}})}})}});
  EXPECT_EQ(put(cat({kEndpoint, "/deployments/blue"}), script).status, 501);
  EXPECT_EQ(
      put(cat({kEndpoint, "/deployments/blue"}), Json::object({{"properties", Json::object()}}))
          .status,
      400);
  EXPECT_EQ(put("/onlineEndpoints/1bad", Json::object({{"properties", Json::object()}})).status,
            400);
  EXPECT_EQ(server_.get(cat({server_.workspace(), kEndpoint, "/deployments/blue"})).status, 404);
}

}  // namespace
}  // namespace lazuli::server
