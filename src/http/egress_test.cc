// SPDX-License-Identifier: Apache-2.0
#include "http/egress.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "http/http_fake.h"

namespace lazuli::http {
namespace {

TEST(HttpEgress, KnowsWhatIsPublic) {
  const auto is_public = [](std::string_view text) {
    return SocketAddress::parse_ip(text, 443)->is_public();
  };
  for (const char* yes : {"8.8.8.8", "20.42.0.1", "100.63.255.255", "100.128.0.1", "172.15.0.1",
                          "172.32.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"}) {
    EXPECT_TRUE(is_public(yes)) << yes;
  }
  for (const char* no : {"0.0.0.0",
                         "10.1.2.3",
                         "100.64.0.1",
                         "127.0.0.1",
                         "127.255.0.1",
                         "168.63.129.16",
                         "169.254.169.254",
                         "172.16.0.1",
                         "172.31.255.255",
                         "192.0.0.192",
                         "192.168.1.1",
                         "198.18.0.1",
                         "224.0.0.1",
                         "240.0.0.1",
                         "255.255.255.255",
                         "::",
                         "::1",
                         "fe80::1",
                         "fc00::1",
                         "fd00:ec2::254",
                         "ff02::1",
                         "::ffff:8.8.8.8",
                         "::ffff:127.0.0.1",
                         "::ffff:169.254.169.254",
                         "64:ff9b::a00:1",
                         "2002:7f00:1::",
                         "2001::1",
                         "2001:db8::1"}) {
    EXPECT_FALSE(is_public(no)) << no;
  }
}

TEST(HttpEgress, UsesPublicAddressesAlone) {
  int asked = 0;
  const auto egress = make_egress({.ports = {443}}, [&](const std::string& host, uint16_t port) {
    ++asked;
    std::vector<SocketAddress> found;
    if (host == "gone.example")
      return Result<std::vector<SocketAddress>>(unavailable("no such name"));
    found.push_back(*SocketAddress::parse_ip("169.254.169.254", port));
    if (host == "mixed.example") found.push_back(*SocketAddress::parse_ip("8.8.4.4", port));
    return Result<std::vector<SocketAddress>>(found);
  });
  const auto mixed = egress->addresses("mixed.example", 443);
  ASSERT_TRUE(mixed.ok());
  ASSERT_EQ(mixed->size(), 1u);
  EXPECT_EQ(mixed->front().to_string(), "8.8.4.4:443");
  EXPECT_EQ(egress->addresses("rebound.example", 443).error().code, Code::kPermissionDenied);
  EXPECT_EQ(egress->addresses("127.0.0.1", 443).error().code, Code::kPermissionDenied);
  EXPECT_EQ(egress->addresses("[::1]", 443).error().code, Code::kPermissionDenied);
  EXPECT_EQ(egress->addresses("mixed.example", 22).error().code, Code::kPermissionDenied);
  asked = 0;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(egress->addresses("gone.example", 443).ok());
  EXPECT_EQ(asked, 1) << "a failure is remembered";
}

TEST(HttpEgress, GoesToNetworksTheOperatorOpened) {
  EgressRules rules;
  for (const char* text : {"10.1.0.0/16", "fd00:1::/33", "127.0.0.1"})
    rules.networks.push_back(*Network::parse(text));
  const auto egress = make_egress(std::move(rules));
  for (const char* yes : {"10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5", "127.0.0.1", "8.8.8.8"})
    EXPECT_TRUE(egress->check(yes, 8443).ok()) << yes;
  for (const char* no : {"10.2.0.1", "fd00:1:0:0:8000::1", "fd00:1:8000::1", "127.0.0.2", "::1",
                         "169.254.169.254", "::ffff:169.254.169.254"}) {
    const bool inside = std::string_view(no) == "fd00:1:0:0:8000::1";
    EXPECT_EQ(egress->check(no, 8443).ok(), inside) << no;
  }
  for (const char* bad : {"", "name", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0.0/x"})
    EXPECT_FALSE(Network::parse(bad).ok()) << bad;
}

// Two servers; names lead to them by the look-up of the test, which is loopback and opened.
class HttpEgressClient : public ::testing::Test {
 protected:
  void SetUp() override {
    first_.start();
    second_.start();
    EgressRules rules;
    rules.networks.push_back(*Network::parse("127.0.0.0/8"));
    egress_ = make_egress(std::move(rules), [this](const std::string& host, uint16_t) {
      ++look_ups_;
      const std::string address = host == "first.example"    ? first_.address()
                                  : host == "second.example" ? second_.address()
                                                             : "169.254.169.254:80";
      return Result<std::vector<SocketAddress>>(std::vector{*SocketAddress::parse(address)});
    });
    EgressOptions options;
    options.timeout = std::chrono::seconds(10);
    client_ = *EgressClient::create(options, *egress_);
  }

  static void redirect(TestServer& server, const std::string& location, int status = 302) {
    server.application.on_handle = [=](Exchange&) {
      return Response(status).header("Location", location);
    };
  }

  Result<Response> get(const std::string& url, Method method = Method::kGet) {
    ClientRequest request;
    request.method = method;
    request.url = url;
    request.headers.set("Authorization", "Bearer secret");
    return client_->send(request);
  }

  TestServer first_, second_;
  int look_ups_ = 0;
  std::unique_ptr<Egress> egress_;
  std::unique_ptr<EgressClient> client_;
};

TEST_F(HttpEgressClient, FollowsARedirectWithoutCredentials) {
  redirect(first_, "http://second.example/keys");
  std::string seen = "none";
  second_.application.on_handle = [&](Exchange& exchange) {
    seen = cat({exchange.head.target, " ", exchange.head.headers.get_or("Authorization", "-"), " ",
                exchange.head.host});
    return Response(200, "there");
  };
  const auto response = get("http://first.example/");
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->text(), "there");
  EXPECT_EQ(seen, "/keys - second.example");
  EXPECT_EQ(look_ups_, 2) << "each destination is looked up once";
}

TEST_F(HttpEgressClient, KeepsCredentialsWithinAnOrigin) {
  std::string seen;
  first_.application.on_handle = [&](Exchange& exchange) {
    if (exchange.head.target == "/a/b?x=1") return Response(307).header("Location", "c?y=2");
    seen = cat({exchange.head.target, " ", exchange.head.headers.get_or("Authorization", "-")});
    return Response(200, "ok");
  };
  EXPECT_TRUE(get("http://first.example/a/b?x=1").ok());
  EXPECT_EQ(seen, "/a/c?y=2 Bearer secret");
}

TEST_F(HttpEgressClient, ChecksWhereARedirectLeads) {
  for (const char* location : {"http://169.254.169.254/metadata", "http://rebound.example/",
                               "http://[::1]/", "http://10.0.0.1/", "//168.63.129.16/"}) {
    redirect(first_, location);
    const auto response = get("http://first.example/");
    ASSERT_FALSE(response.ok()) << location;
    EXPECT_EQ(response.error().code, Code::kPermissionDenied) << location;
  }
  for (const char* location : {"file:///etc/passwd", "gopher://first.example/", "http://a b/",
                               "http://user@first.example/"}) {
    redirect(first_, location);
    EXPECT_FALSE(get("http://first.example/").ok()) << location;
  }
}

TEST_F(HttpEgressClient, EndsLoopsAndLeavesPostsAlone) {
  redirect(first_, "http://first.example/again");
  EXPECT_EQ(get("http://first.example/").error().message, "the server redirects too often");
  const auto posted = get("http://first.example/", Method::kPost);
  ASSERT_TRUE(posted.ok());
  EXPECT_EQ(posted->status, 302);
}

TEST_F(HttpEgressClient, RefusesWhatIsNotOpen) {
  for (const char* url : {"http://rebound.example/", "http://169.254.169.254/", "http://10.0.0.1/",
                          "http://[fe80::1]/", "http://[::ffff:10.0.0.1]/"})
    EXPECT_EQ(get(url).error().code, Code::kPermissionDenied) << url;
}

// A parent proxy that leads every name to `destination_`, beside a look-up that knows some names.
class HttpEgressByParent : public ::testing::Test {
 protected:
  void SetUp() override {
    destination_.start();
    parent_.egress = std::make_unique<TestEgress>([this](const std::string& host, uint16_t) {
      asked_ = host;
      if (host == "blocked.example")
        return Result<std::vector<SocketAddress>>(permission_denied("not here"));
      return Result<std::vector<SocketAddress>>(
          std::vector{*SocketAddress::parse(destination_.address())});
    });
    parent_.start();
    EgressRules rules;
    rules.parent = parent_.address();
    rules.networks.push_back(*Network::parse("10.0.0.0/8"));
    egress_ = make_egress(std::move(rules), look_up);
    EgressOptions options;
    options.timeout = std::chrono::seconds(10);
    client_ = *EgressClient::create(options, *egress_);
  }

  static Result<std::vector<SocketAddress>> look_up(const std::string& host, uint16_t port) {
    std::vector<SocketAddress> found;
    if (host == "known.example" || host == "mixed.example")
      found.push_back(*SocketAddress::parse_ip("8.8.8.8", port));
    if (host == "bad.example" || host == "mixed.example")
      found.push_back(*SocketAddress::parse_ip("127.0.0.1", port));
    if (host == "inside.example") found.push_back(*SocketAddress::parse_ip("10.9.9.9", port));
    if (found.empty()) return unavailable("no such name");
    return found;
  }

  Result<Response> get(const std::string& url) {
    ClientRequest request;
    request.url = url;
    return client_->send(request);
  }

  TestServer destination_, parent_;
  std::string asked_;
  std::unique_ptr<Egress> egress_;
  std::unique_ptr<EgressClient> client_;
};

TEST_F(HttpEgressByParent, ChoosesTheWay) {
  for (const char* host : {"known.example", "unknown.example", "8.8.4.4"}) {
    const auto way = egress_->way(host, 443);
    ASSERT_TRUE(way.ok()) << host;
    EXPECT_TRUE(way->by_parent) << host;
    EXPECT_EQ(way->addresses.front().to_string(), parent_.address()) << host;
  }
  for (const char* host : {"inside.example", "10.9.9.9"}) {
    const auto way = egress_->way(host, 443);
    ASSERT_TRUE(way.ok()) << host;
    EXPECT_FALSE(way->by_parent) << host;
    EXPECT_EQ(way->addresses.front().to_string(), "10.9.9.9:443") << host;
  }
  for (const char* host : {"bad.example", "mixed.example", "127.0.0.1", "[::1]", "169.254.169.254",
                           "192.168.0.1", "localhost", "any.localhost", "fd00::1"})
    EXPECT_EQ(egress_->way(host, 443).error().code, Code::kPermissionDenied) << host;
}

TEST_F(HttpEgressByParent, TunnelsToTheDestination) {
  destination_.application.on_handle = [](Exchange& exchange) {
    return Response(200, cat({exchange.head.host, exchange.head.target}));
  };
  const auto response = get("http://unknown.example/keys");
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->text(), "unknown.example/keys");
  EXPECT_EQ(asked_, "unknown.example");
}

TEST_F(HttpEgressByParent, ChecksRedirectsAndToldRefusals) {
  for (const char* location :
       {"http://127.0.0.1/", "http://[fd00::1]/", "http://bad.example/", "http://localhost/"}) {
    destination_.application.on_handle = [=](Exchange&) {
      return Response(302).header("Location", location);
    };
    asked_.clear();
    EXPECT_EQ(get("http://unknown.example/").error().code, Code::kPermissionDenied) << location;
    EXPECT_NE(asked_, "bad.example");
  }
  EXPECT_EQ(get("http://blocked.example/").error().message, "the parent proxy refused: 403");
}

}  // namespace
}  // namespace lazuli::http
