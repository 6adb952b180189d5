// SPDX-License-Identifier: Apache-2.0
// Run history and MLflow on the real services, through the real chain.
#include <gtest/gtest.h>

#include "base/strings.h"
#include "server/testing.h"

namespace lazuli::server {
namespace {

using http::Method;
using testing::Answer;
using testing::Caller;

class RunsHandlers : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = server_.start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    experiment_ = post("experiments/create", R"({"name": "e"})")["experiment_id"].text();
    run_ = post("runs/create",
                cat({R"({"experiment_id": ")", experiment_,
                     R"(", "tags": [{"key": "kind", "value": "test"}]})"}))["run"]["info"]["run_id"]
               .text();
    ASSERT_FALSE(run_.empty());
  }
  Answer call(Method method, const std::string& below, std::string body = {},
              Caller caller = Caller::kMlflow) {
    return server_.call({.method = method,
                         .host = "local.api.ml.azure",
                         .target = cat({"/mlflow/v1.0", server_.workspace(), "/api/2.0/", below}),
                         .body = std::move(body),
                         .caller = caller});
  }
  Json post(const std::string& name, std::string body) {
    return call(Method::kPost, "mlflow/" + name, std::move(body)).json();
  }
  // The code of the refusal; empty for none.
  std::string refusal(const std::string& name, std::string body) {
    return post(name, std::move(body))["error_code"].text();
  }
  Answer history(Method method, const std::string& below, std::string body = {}) {
    return server_.call({.method = method,
                         .host = "local.api.ml.azure",
                         .target = cat({"/history/v1.0", server_.workspace(), below}),
                         .body = std::move(body)});
  }
  std::string about_run(std::string_view rest) {
    return cat({R"({"run_id": ")", run_, R"(", )", rest, "}"});
  }
  size_t found(std::string_view filter) {
    Json body = Json::object({{"experiment_ids", Json::array({experiment_})}, {"filter", filter}});
    return post("runs/search", body.dump())["runs"].size();
  }
  std::string artifact(const std::string& path) {
    return cat({"mlflow-artifacts/artifacts/", experiment_, "/", run_, "/artifacts/", path});
  }

  testing::WholeServer server_;
  std::string experiment_, run_;
};

TEST_F(RunsHandlers, WhatIsLoggedIsFound) {
  EXPECT_EQ(refusal("runs/log-metric",
                    about_run(R"("key": "a", "value": 0.5, "timestamp": 1, "step": 0)")),
            "");
  EXPECT_EQ(refusal("runs/log-metric",
                    about_run(R"("key": "a", "value": 0.9, "timestamp": 2, "step": 1)")),
            "");
  EXPECT_EQ(refusal("runs/log-parameter", about_run(R"("key": "p", "value": "b")")), "");
  EXPECT_EQ(refusal("runs/set-tag", about_run(R"("key": "t", "value": "v")")), "");
  EXPECT_EQ(found("metrics.a > 0.8 and params.p = 'b' and tags.kind = 'test'"), 1u);
  EXPECT_EQ(found("metrics.a > 0.95"), 0u);
  EXPECT_EQ(found("tags.t LIKE 'v%'"), 1u);
  const Json metrics =
      call(Method::kGet, cat({"mlflow/metrics/get-history?metric_key=a&run_id=", run_})).json();
  EXPECT_EQ(metrics["metrics"].size(), 2u);
  EXPECT_EQ(call(Method::kGet, "mlflow/runs/get?run_id=" + run_)
                .json()["run"]["data"]["params"]
                .items()[0]["value"]
                .str(),
            "b");
}

TEST_F(RunsHandlers, RefusalsAreInMlflowsWords) {
  EXPECT_EQ(refusal("experiments/create", R"({"name": "e"})"), "RESOURCE_ALREADY_EXISTS");
  EXPECT_EQ(refusal("runs/create", R"({"experiment_id": "none"})"), "RESOURCE_DOES_NOT_EXIST");
  EXPECT_EQ(refusal("runs/log-metric", R"({"run_id": "none", "key": "a", "value": 1})"),
            "RESOURCE_DOES_NOT_EXIST");
  EXPECT_EQ(refusal("runs/log-parameter", about_run(R"("value": "b")")), "INVALID_PARAMETER_VALUE");
  EXPECT_EQ(refusal("runs/log-parameter", about_run(R"("key": "p", "value": "b")")), "");
  EXPECT_EQ(refusal("runs/log-parameter", about_run(R"("key": "p", "value": "c")")),
            "INVALID_PARAMETER_VALUE");
  EXPECT_EQ(refusal("runs/search", R"({"experiment_ids": ["x"], "filter": "metrics.a >"})"),
            "INVALID_PARAMETER_VALUE");
  EXPECT_EQ(call(Method::kPost, "mlflow/runs/search", "not json").status, 400);
}

TEST_F(RunsHandlers, ArtifactsStayBelowTheirRun) {
  EXPECT_EQ(call(Method::kPut, artifact("folder/a.txt"), "content").status, 200);
  EXPECT_EQ(call(Method::kGet, artifact("folder/a.txt")).body, "content");
  const Json files =
      call(Method::kGet,
           cat({"mlflow-artifacts/artifacts?path=", experiment_, "/", run_, "/artifacts"}))
          .json()["files"];
  ASSERT_EQ(files.size(), 1u);
  EXPECT_TRUE(files.items()[0]["is_dir"].boolean());
  for (const char* hostile : {"../a.txt", "%2e%2e/a.txt", "a/../../b", "./a", "a%00b"}) {
    EXPECT_EQ(call(Method::kPut, artifact(hostile), "x").status, 400) << hostile;
  }
  EXPECT_EQ(call(Method::kGet, artifact("absent")).status, 404);
  EXPECT_EQ(call(Method::kDelete, artifact("folder/a.txt")).status, 204);
  EXPECT_EQ(call(Method::kGet, artifact("folder/a.txt")).status, 404);
}

TEST_F(RunsHandlers, RegisteredModelsHaveVersionsAndAliases) {
  EXPECT_EQ(refusal("registered-models/create", R"({"name": "m"})"), "");
  EXPECT_EQ(refusal("registered-models/create", R"({"name": "m"})"), "RESOURCE_ALREADY_EXISTS");
  const std::string version =
      cat({R"({"name": "m", "source": "runs:/)", run_, R"(/model", "run_id": ")", run_, R"("})"});
  EXPECT_EQ(post("model-versions/create", version)["model_version"]["version"].text(), "1");
  EXPECT_EQ(post("model-versions/create", version)["model_version"]["version"].text(), "2");
  EXPECT_EQ(refusal("registered-models/alias", R"({"name": "m", "alias": "best", "version": "1"})"),
            "");
  EXPECT_EQ(refusal("registered-models/alias", R"({"name": "m", "alias": "best", "version": "7"})"),
            "RESOURCE_DOES_NOT_EXIST");
  const Json best = call(Method::kGet, "mlflow/registered-models/alias?name=m&alias=best").json();
  EXPECT_EQ(best["model_version"]["version"].text(), "1");
  EXPECT_EQ(refusal("model-versions/set-tag",
                    R"({"name": "m", "version": "2", "key": "k", "value": "v"})"),
            "");
  const Json shown = server_.get(server_.workspace() + "/models/m/versions/2").json();
  EXPECT_EQ(shown["properties"]["tags"]["k"].str(), "v");
  EXPECT_EQ(refusal("model-versions/create", R"({"name": "m", "source": "https://example.com/m"})")
                .empty(),
            false);
  EXPECT_EQ(refusal("model-versions/create", R"({"name": "none", "source": "runs:/x/m"})"),
            "RESOURCE_DOES_NOT_EXIST");
}

TEST_F(RunsHandlers, HistoryShowsAndPatchesARun) {
  EXPECT_EQ(refusal("runs/update", about_run(R"("status": "FINISHED")")), "");
  const Answer run = history(Method::kGet, "/runs/" + run_);
  EXPECT_EQ(run.json()["status"].str(), "Completed");
  const Answer patched = history(Method::kPatch, cat({"/experiments/e/runs/", run_}),
                                 R"({"displayName": "renamed", "tags": {"new": "tag"}})");
  EXPECT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(patched.json()["displayName"].str(), "renamed");
  EXPECT_EQ(history(Method::kGet, "/runs/absent").json()["error"]["code"].str(), "RunNotFound");
}

// What a job's token is good for, and what it is not.
TEST_F(RunsHandlers, AJobsTokenReachesMlflowAlone) {
  EXPECT_EQ(call(Method::kGet, "mlflow/runs/get?run_id=" + run_, {}, Caller::kNobody).status, 401);
  EXPECT_EQ(call(Method::kGet, "mlflow/runs/get?run_id=" + run_).status, 200);
  for (const char* below : {"/jobs", "/data", "/onlineEndpoints", "/datastores", ""}) {
    EXPECT_EQ(
        server_.call({.target = server_.workspace() + below, .caller = Caller::kMlflow}).status,
        403)
        << below;
    EXPECT_NE(server_.get(server_.workspace() + below).status, 403) << below;
  }
  EXPECT_EQ(server_
                .call({.method = Method::kPut,
                       .target = server_.workspace() + "/jobs/j",
                       .body = "{}",
                       .caller = Caller::kMlflow})
                .status,
            403);
}

}  // namespace
}  // namespace lazuli::server
