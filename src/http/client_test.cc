// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "http/http_fake.h"

namespace lazuli::http {
namespace {

// Says one thing per accepted connection, whatever is asked.
class ScriptedPeer {
 public:
  explicit ScriptedPeer(std::vector<std::string> answers)
      : listener_(*listen_on(*SocketAddress::parse("127.0.0.1:0"))),
        thread_([this, answers = std::move(answers)] { serve(answers); }) {}
  ~ScriptedPeer() { thread_.join(); }
  std::string address() const { return local_address(listener_.get()).to_string(); }

 private:
  void serve(const std::vector<std::string>& answers) const {
    for (const std::string& answer : answers) {
      int number = -1;
      for (int i = 0; i < 500 && number < 0; ++i) {
        number = accept(listener_.get(), nullptr, nullptr);
        if (number < 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      const Fd fd(number);
      char request[4096];
      if (recv(fd.get(), request, sizeof(request), 0) > 0) {
        send(fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
    }
  }
  Fd listener_;
  std::thread thread_;
};

Result<Response> fetch(const std::string& answer, ClientOptions options = {},
                       Method method = Method::kGet) {
  const ScriptedPeer peer({answer});
  options.connect_to = peer.address();
  ClientRequest request;
  request.method = method;
  request.url = "http://name.example/x";
  return (*Client::create(options))->send(request);
}

TEST(HttpClient, UnderstandsEveryFraming) {
  EXPECT_EQ(fetch("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")->text(), "abc");
  EXPECT_EQ(
      fetch("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
          ->text(),
      "abc");
  EXPECT_EQ(fetch("HTTP/1.1 200 OK\r\n\r\nuntil the end")->text(), "until the end");
  EXPECT_EQ(
      fetch(
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nX: y\r\nContent-Length: 0\r\n\r\n")
          ->status,
      201);
  EXPECT_EQ(fetch("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")->status, 304);
  const auto head = fetch("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", {}, Method::kHead);
  EXPECT_EQ(head->headers.get("content-length"), "9");
}

TEST(HttpClient, NoticesWhatIsCutOff) {
  EXPECT_FALSE(fetch("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").ok());
  EXPECT_FALSE(fetch("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n").ok());
  EXPECT_FALSE(fetch("HTTP/1.1 20").ok());
  EXPECT_FALSE(fetch("nonsense\r\n\r\n").ok());
  EXPECT_FALSE(fetch("").ok());
}

TEST(HttpClient, BoundsSizeAndTime) {
  ClientOptions small;
  small.response_bytes_max = 2;
  EXPECT_FALSE(fetch("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", small).ok());
  const Fd listener = *listen_on(*SocketAddress::parse("127.0.0.1:0"));  // never answers
  ClientOptions hasty;
  hasty.timeout = std::chrono::milliseconds(100);
  hasty.connect_to = local_address(listener.get()).to_string();
  ClientRequest request;
  request.url = "http://name.example/";
  EXPECT_EQ((*Client::create(hasty))->send(request).error().code, Code::kDeadlineExceeded);
}

TEST(HttpClient, ConnectsAnewWhenAKeptConnectionHasGone) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  const ScriptedPeer peer({answer, answer});  // closes after each, without saying so
  ClientOptions options;
  options.connect_to = peer.address();
  const auto client = *Client::create(options);
  ClientRequest request;
  request.url = "http://name.example/";
  request.method = Method::kPost;
  EXPECT_TRUE(client->send(request).ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto second = client->send(request);
  EXPECT_TRUE(second.ok()) << second.error().message;
}

TEST(HttpClient, VerifiesAuthorityAndName) {
  TestServer server;
  server.start();
  ClientRequest request;
  request.url = "https://management.lazuli.localhost/";
  EXPECT_TRUE(server.client()->send(request).ok());
  const TestCertificates strangers;
  ClientOptions options;
  options.connect_to = server.address();
  options.ca_file = strangers.ca_file();
  const auto refused = (*Client::create(options))->send(request);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("certificate"), std::string::npos)
      << refused.error().message;
  request.url = "https://other.example/";  // beyond the authority's name constraints
  EXPECT_FALSE(server.client()->send(request).ok());
  request.url = cat({"https://", server.address(), "/"});
  const auto by_address = server.client()->send(request);
  EXPECT_TRUE(by_address.ok()) << by_address.error().message;
  EXPECT_FALSE((*Client::create(ClientOptions{}))->send(request).ok());
}

TEST(HttpClient, RefusesWhatCouldSmuggle) {
  ClientRequest request;
  request.url = "http://name.example/a b";
  const auto client = *Client::create(ClientOptions{});
  EXPECT_EQ(client->send(request).error().code, Code::kInvalidArgument);
  request.url = "http://name.example/";
  request.headers.set("X", "a\r\nY: b");
  EXPECT_EQ(client->send(request).error().code, Code::kInvalidArgument);
  request.headers.clear();
  request.url = "ftp://name.example/";
  EXPECT_EQ(client->send(request).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace lazuli::http
