// SPDX-License-Identifier: Apache-2.0
#include "core/router.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "core/arm.h"

namespace lazuli::core {
namespace {

Route route(http::Method method, Host host, std::string path, std::string query = {}) {
  Route made;
  made.method = method;
  made.host = host;
  made.path = std::move(path);
  made.query = std::move(query);
  return made;
}

struct CoreRouter : testing::Test {
  std::vector<Route> routes = {
      route(http::Method::kGet, Host::kManagement, "/subscriptions/{sub}/resourceGroups/{rg}"),
      route(http::Method::kGet, Host::kManagement, "/subscriptions/{sub}/resourceGroups"),
      route(http::Method::kGet, Host::kManagement, "/a/{x}/c"),
      route(http::Method::kGet, Host::kManagement, "/a/b/{y}"),
      route(http::Method::kPut, Host::kBlob, "/{container}/{blob*}"),
      route(http::Method::kPut, Host::kBlob, "/{container}/{blob*}", "comp=block&blockid"),
      route(http::Method::kPut, Host::kBlob, "/{container}", "restype=container"),
      route(http::Method::kGet, Host::kBlob, "/{container}/{blob*}"),
      route(http::Method::kGet, Host::kManagement, "/r/{registry}/{rest*}"),
      route(http::Method::kGet, Host::kManagement, "/{scope*}/providers/X.Auth/locks/{lock}"),
      route(http::Method::kGet, Host::kManagement, "/r/{registry}/providers/X.Auth/locks"),
      route(http::Method::kPut, Host::kManagement, "/{scope*}/providers/X.Auth/locks"),
  };
  Router router;
  void SetUp() override {
    for (const Route& each : routes) ASSERT_TRUE(router.add(each).ok());
  }
  const Route* find(http::Method method, Host host, std::string_view path,
                    std::string_view query = {}) {
    auto match = router.find(host, method, path, query);
    return match.ok() ? match->route : nullptr;
  }
};

TEST_F(CoreRouter, LiteralsIgnoreCaseAndParametersAreDecoded) {
  auto match = router.find(Host::kManagement, http::Method::kGet,
                           "/SUBSCRIPTIONS/s1/resourcegroups/my%20group", "api-version=1");
  ASSERT_TRUE(match.ok());
  EXPECT_EQ(match->params["sub"], "s1");
  EXPECT_EQ(match->params["rg"], "my group");
}

TEST_F(CoreRouter, ANameStaysOneSegmentOfText) {
  for (std::string_view name : {"a%2Fb", "a%2fb", "a%5Cb", ".", "..", "%2e%2e", "a%0d%0ab", "a%1bb",
                                "a%7f", "%c0%ae", "%ed%a0%80", "a%00b", "a%", "a%zz"}) {
    auto match = router.find(Host::kManagement, http::Method::kGet, cat({"/a/", name, "/c"}), "");
    ASSERT_FALSE(match.ok()) << name;
    EXPECT_EQ(match.error().code, Code::kInvalidArgument) << name;
  }
  for (std::string_view name : {"...", "a..b", "%e4%bd%a0", "a%3Ab", "%252e"})
    EXPECT_TRUE(find(http::Method::kGet, Host::kManagement, cat({"/a/", name, "/c"}))) << name;
}

TEST_F(CoreRouter, BacktracksFromALiteralThatLeadsNowhere) {
  EXPECT_EQ(find(http::Method::kGet, Host::kManagement, "/a/b/c"), &routes[3]);
  EXPECT_EQ(find(http::Method::kGet, Host::kManagement, "/a/z/c"), &routes[2]);
}

TEST_F(CoreRouter, TheMostDemandingQueryWins) {
  EXPECT_EQ(find(http::Method::kPut, Host::kBlob, "/c/d/e.txt"), &routes[4]);
  EXPECT_EQ(find(http::Method::kPut, Host::kBlob, "/c/d/e.txt", "comp=block&blockid=x"),
            &routes[5]);
  EXPECT_EQ(find(http::Method::kPut, Host::kBlob, "/c", "restype=container"), &routes[6]);
}

TEST_F(CoreRouter, TailsKeepTheirSlashes) {
  auto match = router.find(Host::kBlob, http::Method::kGet, "/c/d/e%2Ff/g", "");
  ASSERT_TRUE(match.ok());
  EXPECT_EQ(match->params["blob"], "d/e/f/g");
}

TEST_F(CoreRouter, HeadIsServedByGetAndOthersAreRefused) {
  EXPECT_EQ(find(http::Method::kHead, Host::kBlob, "/c/d"), &routes[7]);
  auto refused = router.find(Host::kManagement, http::Method::kPost, "/a/b/c", "");
  EXPECT_EQ(refused.error().code, Code::kMethodNotAllowed);
  auto missing = router.find(Host::kManagement, http::Method::kGet, "/nothing/here/at/all", "");
  EXPECT_EQ(missing.error().code, Code::kNotFound);
}

TEST_F(CoreRouter, RefusesASecondRouteForTheSameRequest) {
  Route again = routes[0];
  EXPECT_FALSE(router.add(again).ok());
}

TEST(CorePermissions, PatternsFollowTheBuiltInRoles) {
  EXPECT_TRUE(operation_matches("*", "Microsoft.X/a/write"));
  EXPECT_TRUE(operation_matches("*/read", "Microsoft.X/a/READ"));
  EXPECT_TRUE(operation_matches("Microsoft.X/workspaces/*/write", "Microsoft.X/workspaces/write"));
  EXPECT_TRUE(
      operation_matches("Microsoft.X/workspaces/*/write", "Microsoft.X/workspaces/computes/write"));
  EXPECT_FALSE(
      operation_matches("Microsoft.X/workspaces/*/write", "Microsoft.X/workspaces/computes/read"));
  EXPECT_FALSE(operation_matches("Microsoft.X/a", "Microsoft.X/ab"));
}

TEST(CorePermissions, ScopesCompareSegments) {
  EXPECT_TRUE(scope_covers("/", "/subscriptions/s"));
  EXPECT_TRUE(scope_covers("/subscriptions/S", "/subscriptions/s/resourceGroups/g"));
  EXPECT_FALSE(scope_covers("/subscriptions/s", "/subscriptions/s2"));
  EXPECT_FALSE(scope_covers("/subscriptions/s/resourceGroups/g", "/subscriptions/s"));
}

TEST(CoreArm, IdsRoundTrip) {
  auto id = ArmId::parse("/subscriptions/s/resourcegroups/g/providers/Microsoft.X/a/b/c/d");
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(id->type(), "Microsoft.X/a/c");
  EXPECT_EQ(id->name_of("A"), "b");
  EXPECT_EQ(id->to_string(), "/subscriptions/s/resourceGroups/g/providers/Microsoft.X/a/b/c/d");
  for (const char* bad : {"", "x", "/subscriptions", "/a//b/c", "/foo/bar"})
    EXPECT_FALSE(ArmId::parse(bad).ok()) << bad;
}

TEST_F(CoreRouter, ExtendsAnyScope) {
  auto scope_of = [&](std::string_view path) -> std::string {
    auto match = router.find(Host::kManagement, http::Method::kGet, path, {});
    if (!match.ok()) return match.error().wire_code;
    return match->params["scope"] + " " + match->params["lock"];
  };
  EXPECT_EQ(scope_of("/subscriptions/s/providers/X.Auth/locks/l"), "/subscriptions/s l");
  EXPECT_EQ(scope_of("/providers/X.Auth/locks/l"), " l");
  EXPECT_EQ(scope_of("/s/a%20b/providers/P/t/n/Providers/x.auth/LOCKS/l/"),
            "/s/a b/providers/P/t/n l");
  EXPECT_EQ(scope_of("/r/x/providers/X.Auth/locks/l"), "/r/x l");  // before a tail
  EXPECT_EQ(scope_of("/r/x/providers/X.Auth/keys/l"), " ");        // the tail
  EXPECT_EQ(scope_of("/s/providers/X.Auth/keys/l"), "NotFound");
  EXPECT_EQ(scope_of("/s/providers/X.Auth/locks"), "MethodNotAllowed");
  EXPECT_EQ(find(http::Method::kGet, Host::kManagement, "/r/x/providers/X.Auth/locks"),
            &routes[10]);
  EXPECT_EQ(find(http::Method::kPut, Host::kManagement, "/r/x/providers/X.Auth/locks"),
            &routes[11]);
}

}  // namespace
}  // namespace lazuli::core
