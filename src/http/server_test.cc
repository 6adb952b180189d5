// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>

#include "base/strings.h"
#include "http/http_fake.h"

namespace lazuli::http {
namespace {

class HttpServer : public ::testing::Test {
 protected:
  RawSocket raw() { return RawSocket(server_.address()); }
  TestServer server_;
};

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::string post(std::string_view body) {
  return cat({"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ", std::to_string(body.size()),
              "\r\n\r\n", body});
}

bool ends_with(const std::string& text, std::string_view end) { return text.ends_with(end); }

TEST_F(HttpServer, KeepsConnectionsAlive) {
  server_.start();
  RawSocket socket = raw();
  for (int i = 0; i < 3; ++i) {
    socket.send(post("hello"));
    const std::string response = socket.read_response();
    EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n")) << response;
    EXPECT_TRUE(ends_with(response, "\r\n\r\nhello")) << response;
  }
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrder) {
  server_.start();
  RawSocket socket = raw();
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += post(std::to_string(i));
  socket.send(requests);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(ends_with(socket.read_response(), cat({"\r\n\r\n", std::to_string(i)})));
  }
}

TEST_F(HttpServer, RunsInlineRoutesOnTheIoThread) {
  server_.application.on_place = [](const RequestHead&) { return Pool::kInline; };
  server_.start();
  RawSocket socket = raw();
  socket.send(post("a") + post("b"));
  EXPECT_TRUE(ends_with(socket.read_response(), "\r\n\r\na"));
  EXPECT_TRUE(ends_with(socket.read_response(), "\r\n\r\nb"));
  socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  socket.send("cd");
  EXPECT_TRUE(ends_with(socket.read_response(), "\r\n\r\nabcd"));
}

TEST_F(HttpServer, DecodesChunkedBodies) {
  server_.start();
  RawSocket socket = raw();
  const std::string body = "4;x=y\r\nwiki\r\n5\r\npedia\r\n0\r\nTrailer: t\r\n\r\n";
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  socket.send(head + body + head + body);
  EXPECT_TRUE(ends_with(socket.read_response(), "\r\n\r\nwikipedia"));
  EXPECT_TRUE(ends_with(socket.read_response(), "\r\n\r\nwikipedia"));
  for (const char c : head + body) socket.send({&c, 1});
  EXPECT_TRUE(ends_with(socket.read_response(), "\r\n\r\nwikipedia"));
}

TEST_F(HttpServer, SendsContinueOnlyAfterAdmission) {
  server_.application.on_admit = [](Exchange& exchange) {
    if (exchange.head.raw_path == "/no") {
      return Application::Admission{Response(401, "no"), {}};
    }
    return TestApplication::buffer(100);
  };
  server_.start();
  RawSocket socket = raw();
  socket.send("PUT /yes HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("abc");
  EXPECT_TRUE(ends_with(socket.read_response(), "\r\n\r\nabc"));
  socket.send("PUT /no HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  const std::string refused = socket.read_response();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 401")) << refused;
  EXPECT_NE(refused.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(socket.is_closed());
}

TEST_F(HttpServer, DoesNotMakeNaglesAlgorithmWait) {
  server_.start();
  RawSocket socket = raw();  // with Nagle's algorithm, as Python's urllib3 behind a proxy
  const auto begin = SteadyClock::now();
  for (int i = 0; i < 50; ++i) {
    socket.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    socket.send("abc");
    EXPECT_TRUE(ends_with(socket.read_response(), "\r\n\r\nabc"));
  }
  EXPECT_LT(SteadyClock::now() - begin, std::chrono::seconds(1));  // 40 ms each would be two
}

TEST_F(HttpServer, AnswersHeadWithoutContent) {
  server_.application.on_handle = [](Exchange& exchange) {
    Response response(200, "12345", "text/plain");
    if (exchange.head.raw_path == "/stated")
      response = Response(200).header("Content-Length", "77");
    return response;
  };
  server_.start();
  RawSocket socket = raw();
  socket.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stated HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(socket.read_until("\r\n\r\n").find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_NE(socket.read_until("\r\n\r\n").find("Content-Length: 77\r\n"), std::string::npos);
  socket.send(kGet);
  EXPECT_TRUE(ends_with(socket.read_response(), "12345"));
}

TEST_F(HttpServer, RejectsBodiesThatAreTooLarge) {
  server_.application.on_admit = [](Exchange&) { return TestApplication::buffer(10); };
  server_.start();
  RawSocket stated = raw();
  stated.send(post(std::string(11, 'x')));
  EXPECT_TRUE(stated.read_response().starts_with("HTTP/1.1 413"));
  stated.send(post("short"));  // what was left over has been read away
  EXPECT_TRUE(ends_with(stated.read_response(), "short"));
  RawSocket chunked = raw();
  chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  chunked.send("8\r\n12345678\r\n8\r\n12345678\r\n");
  EXPECT_TRUE(chunked.read_response().starts_with("HTTP/1.1 413"));
  EXPECT_EQ(server_.application.rejected, 2);
  EXPECT_EQ(server_.application.handled, 1);
}

TEST_F(HttpServer, TellsTheHostInLowerCaseAndThePort) {
  server_.application.on_handle = [](Exchange& exchange) {
    const RequestHead& head = exchange.head;
    return Response(200, cat({head.host, " ", std::to_string(head.port), " ", head.raw_path, " ",
                              head.query, " ", head.loopback_peer ? "loopback" : "remote"}));
  };
  server_.start();
  RawSocket socket = raw();
  socket.send("GET /a%20b?x=1 HTTP/1.1\r\nHost: Blob.Core.Example:8443\r\n\r\n");
  EXPECT_TRUE(ends_with(socket.read_response(), "blob.core.example 8443 /a%20b x=1 loopback"));
  socket.send("GET http://OTHER.example/p?q HTTP/1.1\r\nHost: ignored\r\n\r\n");
  EXPECT_TRUE(ends_with(socket.read_response(), "other.example 80 /p q loopback"));
}

TEST_F(HttpServer, ClosesForHttp10AndConnectionClose) {
  server_.start();
  RawSocket old = raw();
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_NE(old.read_all().find("Connection: close"), std::string::npos);
  RawSocket closing = raw();
  closing.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(closing.read_all().starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServer, TurnsStrayExceptionsInto500) {
  server_.application.on_handle = [](Exchange&) -> Response { throw std::runtime_error("boom"); };
  server_.start();
  RawSocket socket = raw();
  socket.send(kGet);
  EXPECT_TRUE(socket.read_response().starts_with("HTTP/1.1 500"));
}

TEST_F(HttpServer, SpeaksTlsAndPlainHttpOnOnePort) {
  server_.application.on_handle = [](Exchange& exchange) {
    return Response(
        200, cat({exchange.head.tls ? "tls " : "plain ", exchange.head.host, " ", exchange.body}));
  };
  server_.start();
  const auto client = server_.client();
  ClientRequest request;
  request.method = Method::kPost;
  request.url = "https://management.lazuli.localhost/x";
  request.body = "body";
  for (int i = 0; i < 3; ++i) {
    const auto response = client->send(request);
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->text(), "tls management.lazuli.localhost body");
  }
  request.url = "http://management.lazuli.localhost/x";
  EXPECT_EQ(client->send(request)->text(), "plain management.lazuli.localhost body");
  EXPECT_EQ(server_.certificates.issued(), 1);
}

TEST_F(HttpServer, SpreadsConnectionsOverIoThreads) {
  server_.options.io_threads = 3;
  server_.application.on_place = [](const RequestHead&) { return Pool::kInline; };
  std::mutex mutex;
  std::set<std::thread::id> seen;
  server_.application.on_handle = [&](Exchange&) {
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
    return Response(200);
  };
  server_.start();
  for (int i = 0; i < 6; ++i) {
    RawSocket socket = raw();
    socket.send(kGet);
    EXPECT_TRUE(socket.read_response().starts_with("HTTP/1.1 200"));
  }
  EXPECT_EQ(seen.size(), 3u);
}

TEST_F(HttpServer, LetsNoFieldValueBeginAnotherField) {
  server_.application.on_handle = [](Exchange&) {
    return Response(200).header("X-Meta", "a\r\nSet-Cookie: b");
  };
  server_.start();
  RawSocket socket = raw();
  socket.send(kGet);
  EXPECT_NE(socket.read_response().find("X-Meta: a  Set-Cookie: b\r\n"), std::string::npos);
}

TEST_F(HttpServer, RefusesAListenAddressInUse) {
  server_.start();
  TestServer second;
  second.options.listen = {server_.address()};
  auto created = Server::create(second.options, second.application, second.certificates,
                                second.proxy, *second.egress);
  const auto started = (*created)->start();
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message.find("listen on 127.0.0.1:"), std::string::npos);
}

}  // namespace
}  // namespace lazuli::http
