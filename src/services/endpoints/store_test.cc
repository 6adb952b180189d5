// SPDX-License-Identifier: Apache-2.0
#include "services/endpoints/store.h"

#include <gtest/gtest.h>

#include "db/testing.h"
#include "services/endpoints/routing.h"

namespace lazuli::endpoints {
namespace {

class EndpointsStoreTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  template <typename T>
  void put(const T& what) {
    ASSERT_TRUE(handle.write([&](db::Tx& tx) { return store.put(tx, what); }).ok());
  }
  db::testing::TestDatabase db{GetParam(), Store::migrations()};
  db::Database::Handle handle = db.handle("endpoints");
  Store store{handle};
};
INSTANTIATE_TEST_SUITE_P(Drivers, EndpointsStoreTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(EndpointsStoreTest, EndpointsAndTheirDeployments) {
  Endpoint endpoint;
  endpoint.workspace_id = "/WS", endpoint.name = "e";
  endpoint.sealed_primary_key = std::string("\0\xffkey", 5);
  put(endpoint);
  Deployment deployment;
  deployment.workspace_id = "/WS", deployment.endpoint = "e", deployment.name = "blue";
  put(deployment);
  deployment.state = DeploymentState::kSucceeded;
  put(deployment);
  deployment.state = DeploymentState::kFailed;
  deployment.operation_id = "of another put";
  const auto tell = [&](db::Tx& tx) { return store.put_state(tx, deployment); };
  ASSERT_TRUE(handle.write(tell).ok());
  EXPECT_EQ((*store.endpoint("e"))->sealed_primary_key, endpoint.sealed_primary_key);
  EXPECT_EQ((*store.deployment("e", "blue"))->state, DeploymentState::kSucceeded);
  EXPECT_EQ(store.all_deployments()->size(), 1u);
  ASSERT_TRUE(handle.write([&](db::Tx& tx) { return store.remove_endpoint(tx, "e"); }).ok());
  EXPECT_FALSE(store.endpoint("e")->has_value());
  deployment.operation_id.clear();
  ASSERT_TRUE(handle.write(tell).ok());
  EXPECT_TRUE(store.deployments("e")->empty()) << "what is gone stays gone";
}

std::shared_ptr<Target> target_with(std::vector<std::pair<std::string, int>> traffic) {
  auto target = std::make_shared<Target>();
  target->arm_id = "/ws/onlineEndpoints/e";
  target->auth_mode = "Key";
  target->primary_key = SecretString("first");
  target->secondary_key = SecretString("second");
  for (const char* name : {"blue", "green"}) {
    target->lanes[name] = std::make_shared<Lane>();
    target->lanes[name]->name = name;
  }
  target->traffic = std::move(traffic);
  return target;
}

TEST(EndpointsRouting, WeightsAreFollowedAndAPinWins) {
  auto target = target_with({{"blue", 25}, {"green", 75}});
  int blue = 0;
  for (int i = 0; i < 4000; ++i) blue += (*Routing::choose(*target, ""))->name == "blue";
  EXPECT_NEAR(blue, 1000, 150);
  EXPECT_EQ((*Routing::choose(*target, "blue"))->name, "blue");
  EXPECT_EQ(Routing::choose(*target, "red").error().code, Code::kNotFound);
  EXPECT_EQ(Routing::choose(*target_with({}), "").error().code, Code::kNotFound);
}

TEST(EndpointsRouting, EitherKeyOpensItsOwnEndpointAlone) {
  Routing routing;
  routing.set("e", target_with({}));
  KeyAuthenticator authenticator(routing);
  auto verify = [&](std::string host, std::string header) {
    http::RequestHead head;
    head.host = std::move(host);
    head.headers.set("Authorization", header);
    return authenticator.verify(head, "");
  };
  const std::string host = "e.local.inference.ml.azure.lazuli.localhost";
  auto verified = verify(host, "Bearer first");
  ASSERT_TRUE(verified.ok());
  EXPECT_EQ(verified->grants->at(0).scope, "/ws/onlineEndpoints/e");
  EXPECT_TRUE(verify(host, "Bearer second").ok());
  EXPECT_FALSE(verify(host, "Bearer third").ok());
  EXPECT_FALSE(verify(host, "Bearer ").ok());
  EXPECT_FALSE(verify("other.local.inference.ml.azure.x", "Bearer first").ok());
}

}  // namespace
}  // namespace lazuli::endpoints
