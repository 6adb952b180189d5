// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ids.h"
#include "base/strings.h"
#include "http/http_fake.h"

namespace lazuli::http {
namespace {

std::string connect_to(std::string_view target) {
  return cat({"CONNECT ", target, " HTTP/1.1\r\nHost: ", target, "\r\n\r\n"});
}

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
  const auto egress = public_egress([&](const std::string& host, uint16_t port) {
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

class HttpProxy : public ::testing::Test {
 protected:
  void lead_to(TestServer& other) {
    server_.egress =
        std::make_unique<TestEgress>([address = other.address()](const std::string&, uint16_t) {
          return Result<std::vector<SocketAddress>>(std::vector{*SocketAddress::parse(address)});
        });
  }
  RawSocket raw() { return RawSocket(server_.address()); }
  TestServer server_;
  TestServer other_;
};

TEST_F(HttpProxy, EndsTunnelsToOwnNamesHere) {
  server_.start();
  RawSocket socket = raw();
  socket.send(connect_to("management.lazuli.localhost:443"));
  EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 200 Connection established\r\n\r\n");
  socket.send("GET / HTTP/1.1\r\nHost: management.lazuli.localhost\r\n\r\n");
  EXPECT_TRUE(socket.read_response().starts_with("HTTP/1.1 200 OK"));
}

TEST_F(HttpProxy, RefusesForeignTargetsAtOnce) {
  server_.start();
  struct Case {
    const char* target;
    const char* answer;
  };
  for (const Case& one :
       {Case{"10.0.0.1:443", "HTTP/1.1 403"}, Case{"169.254.169.254:443", "HTTP/1.1 403"},
        Case{"[::1]:443", "HTTP/1.1 403"}, Case{"example.com:80", "HTTP/1.1 403"},
        Case{"localhost:443", "HTTP/1.1 403"}, Case{"example.com", "HTTP/1.1 400"},
        Case{"name.invalid:443", "HTTP/1.1 502"}}) {
    RawSocket socket = raw();
    socket.send(connect_to(one.target));
    EXPECT_TRUE(socket.read_all().starts_with(one.answer)) << one.target;
  }
}

TEST_F(HttpProxy, CarriesForeignTunnels) {
  other_.application.on_admit = [](Exchange&) { return TestApplication::buffer(10 << 20); };
  other_.start();
  lead_to(other_);
  server_.start();
  RawSocket socket = raw();
  // What follows the CONNECT without waiting goes along.
  socket.send(connect_to("pypi.example:443") + "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 200 Connection established\r\n\r\n");
  EXPECT_TRUE(socket.read_response().starts_with("HTTP/1.1 200 OK"));
  std::string body(3 << 20, 'z');
  std::thread sender([&] {
    socket.send(cat({"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: ", std::to_string(body.size()),
                     "\r\nConnection: close\r\n\r\n", body}));
  });
  const std::string response = socket.read_all();
  sender.join();
  EXPECT_EQ(server_.application.handled, 0);
  EXPECT_TRUE(response.ends_with(body)) << response.size();
}

TEST_F(HttpProxy, GoesThroughAParent) {
  other_.start();  // answers CONNECT to its own name
  lead_to(other_);
  server_.proxy.parent_ = "proxy.corp.example:3128";
  server_.start();
  RawSocket socket = raw();
  socket.send(connect_to("deep.lazuli.localhost.example:443"));
  EXPECT_TRUE(socket.read_all().starts_with("HTTP/1.1 502")) << "the parent refuses this name";
}

TEST_F(HttpProxy, SaysWhenNobodyAnswers) {
  std::string dead;
  {
    TestServer gone;
    gone.start();
    dead = gone.address();
  }
  server_.egress = std::make_unique<TestEgress>([dead](const std::string&, uint16_t) {
    return Result<std::vector<SocketAddress>>(std::vector{*SocketAddress::parse(dead)});
  });
  server_.start();
  RawSocket socket = raw();
  socket.send(connect_to("pypi.example:443"));
  const std::string response = socket.read_all();
  EXPECT_TRUE(response.starts_with("HTTP/1.1 502")) << response;
  EXPECT_NE(response.find("refused"), std::string::npos) << response;
}

TEST_F(HttpProxy, ServesUnixSocketsLikePorts) {
  const std::string path = cat({"/tmp/", random_name(12), ".sock"});
  server_.options.listen = {"unix:" + path, "127.0.0.1:0"};
  server_.application.on_handle = [](Exchange& exchange) {
    return Response(200, cat({exchange.head.loopback_peer ? "loopback " : "remote ",
                              exchange.head.tls ? "tls" : "plain"}));
  };
  server_.start();
  EXPECT_EQ(server_.address(), "unix:" + path);
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const auto client = server_.client();
  ClientRequest request;
  request.url = "https://management.lazuli.localhost/";
  const auto response = client->send(request);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->text(), "loopback tls");
  RawSocket socket = raw();
  socket.send(connect_to("login.lazuli.localhost:443") + "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  socket.read_until("\r\n\r\n");
  EXPECT_TRUE(socket.read_response().ends_with("loopback plain"));
  server_.server().drain(Duration::zero());
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace lazuli::http
