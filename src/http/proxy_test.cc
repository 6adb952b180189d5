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

TEST_F(HttpProxy, AsksNoParentForPrivateAddresses) {
  server_.proxy.parent_ = "proxy.corp.example:3128";
  server_.start();
  for (const char* target : {"169.254.169.254:80", "10.0.0.1:443", "[::ffff:127.0.0.1]:8080"}) {
    RawSocket socket = raw();
    socket.send(connect_to(target));
    EXPECT_TRUE(socket.read_all().starts_with("HTTP/1.1 403")) << target;
  }
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
