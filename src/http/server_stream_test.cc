// SPDX-License-Identifier: Apache-2.0
// Bodies that are too large for memory, in both directions.
#include <gtest/gtest.h>

#include "base/strings.h"
#include "http/http_fake.h"

namespace lazuli::http {
namespace {

using std::chrono::milliseconds;

char pattern(uint64_t offset) { return static_cast<char>('a' + (offset * 7 + offset / 251) % 26); }

struct Seen {
  std::atomic<uint64_t> bytes = 0;
  std::atomic<uint64_t> wrong = 0;
  std::atomic<size_t> largest = 0;
  std::atomic<bool> blocked = false;
  std::atomic<int> alive = 0;
};

class CheckingSink final : public BodySink {
 public:
  CheckingSink(Seen& seen, uint64_t fail_after) : seen_(seen), fail_after_(fail_after) {
    ++seen_.alive;
  }
  ~CheckingSink() override { --seen_.alive; }
  Result<void> append(std::span<const std::byte> data) override {
    while (seen_.blocked) std::this_thread::sleep_for(milliseconds(1));
    for (const std::byte byte : data) {
      if (static_cast<char>(byte) != pattern(seen_.bytes++)) ++seen_.wrong;
    }
    seen_.largest = std::max<size_t>(seen_.largest, data.size());
    if (seen_.bytes > fail_after_) return unavailable("the disk is full");
    return success();
  }

 private:
  Seen& seen_;
  const uint64_t fail_after_;
};

class PatternSource final : public BodySource {
 public:
  PatternSource(Seen& seen, uint64_t size, uint64_t fail_after = UINT64_MAX)
      : seen_(seen), size_(size), fail_after_(fail_after) {
    ++seen_.alive;
  }
  ~PatternSource() override { --seen_.alive; }
  Result<size_t> read(std::span<std::byte> out) override {
    if (seen_.bytes >= fail_after_) return unavailable("the disk is gone");
    const size_t count = std::min<uint64_t>(out.size(), size_ - seen_.bytes);
    for (size_t i = 0; i < count; ++i) out[i] = static_cast<std::byte>(pattern(seen_.bytes++));
    return count;
  }

 private:
  Seen& seen_;
  const uint64_t size_;
  const uint64_t fail_after_;
};

class HttpStream : public ::testing::Test {
 protected:
  void take_into_sink(uint64_t bytes_max = UINT64_MAX, uint64_t fail_after = UINT64_MAX) {
    server_.application.on_place = [](const RequestHead&) { return Pool::kData; };
    server_.application.on_admit = [=, this](Exchange& exchange) {
      return TestApplication::sink(exchange, std::make_unique<CheckingSink>(seen_, fail_after),
                                   bytes_max);
    };
    server_.application.on_handle = [this](Exchange&) {
      return Response(201, std::to_string(seen_.bytes));
    };
  }
  void give(uint64_t size, std::optional<uint64_t> stated, uint64_t fail_after = UINT64_MAX) {
    server_.application.on_handle = [=, this](Exchange&) {
      Response response(200);
      response.body = StreamBody{std::make_unique<PatternSource>(seen_, size, fail_after), stated};
      return response;
    };
  }
  RawSocket raw() { return RawSocket(server_.address()); }
  static std::string content(uint64_t from, uint64_t size) {
    std::string text(size, ' ');
    for (uint64_t i = 0; i < size; ++i) text[i] = pattern(from + i);
    return text;
  }
  TestServer server_;
  Seen seen_;
};

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr uint64_t kMiB = 1 << 20;

TEST_F(HttpStream, FeedsASinkInOrderAndInBoundedPieces) {
  take_into_sink();
  server_.start();
  RawSocket socket = raw();
  for (int round = 0; round < 2; ++round) {
    seen_.bytes = 0;
    const uint64_t size = 20 * kMiB + 3;
    socket.send(
        cat({"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ", std::to_string(size), "\r\n\r\n"}));
    socket.send(content(0, size));
    EXPECT_TRUE(socket.read_response().ends_with(std::to_string(size)));
  }
  EXPECT_EQ(seen_.wrong, 0u);
  EXPECT_LE(seen_.largest, kMiB);
  EXPECT_EQ(seen_.alive, 0);
}

TEST_F(HttpStream, FeedsASinkFromChunksAndOverTls) {
  take_into_sink();
  server_.start();
  RawSocket socket = raw();
  socket.send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (uint64_t i = 0; i < 5000; ++i)
    socket.send(cat({"3e8\r\n", content(i * 1000, 1000), "\r\n"}));
  socket.send("0\r\n\r\n");
  EXPECT_TRUE(socket.read_response().ends_with("5000000"));
  seen_.bytes = 0;
  ClientRequest request;
  request.method = Method::kPut;
  request.url = "https://acc.blob.core.lazuli.localhost/x";
  request.body = content(0, 8 * kMiB);
  const auto response = server_.client()->send(request);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->text(), std::to_string(8 * kMiB));
  EXPECT_EQ(seen_.wrong, 0u);
}

TEST_F(HttpStream, StopsReadingWhileTheSinkIsSlow) {
  take_into_sink();
  server_.options.body_idle_timeout = milliseconds(100);  // it is not the client that is slow
  seen_.blocked = true;
  server_.start();
  RawSocket socket = raw();
  std::atomic<uint64_t> sent = 0;
  std::thread sender([&] {
    socket.send(cat(
        {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ", std::to_string(24 * kMiB), "\r\n\r\n"}));
    for (uint64_t at = 0; at < 24 * kMiB; at += kMiB) {
      socket.send(content(at, kMiB));
      sent += kMiB;
    }
  });
  std::this_thread::sleep_for(milliseconds(400));
  EXPECT_LT(sent, 16 * kMiB) << "only the kernel's buffers and two of ours take what nobody stores";
  seen_.blocked = false;
  EXPECT_TRUE(socket.read_response().ends_with(std::to_string(24 * kMiB)));
  sender.join();
  EXPECT_EQ(seen_.wrong, 0u);
}

TEST_F(HttpStream, RejectsWhenTheSinkFailsOrOverflows) {
  take_into_sink(UINT64_MAX, 2 * kMiB);
  server_.start();
  RawSocket failing = raw();
  failing.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n");
  failing.send(content(0, 10 * kMiB));
  EXPECT_TRUE(failing.read_response().starts_with("HTTP/1.1 503"));
  EXPECT_EQ(server_.application.rejected, 1);
  EXPECT_EQ(server_.application.handled, 0);
  EXPECT_EQ(seen_.alive, 0);
}

TEST_F(HttpStream, RejectsChunksBeyondTheSinksBound) {
  take_into_sink(kMiB);
  server_.start();
  RawSocket socket = raw();
  socket.send("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (uint64_t i = 0; i < 40; ++i)
    socket.send(cat({"10000\r\n", content(i * 65536, 65536), "\r\n"}));
  EXPECT_TRUE(socket.read_response().starts_with("HTTP/1.1 413"));
  EXPECT_EQ(server_.application.rejected, 1);
  RawSocket stated = raw();
  stated.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n");
  EXPECT_TRUE(stated.read_response().starts_with("HTTP/1.1 413"));
}

TEST_F(HttpStream, SendsStreamsOfStatedAndUnknownLength) {
  give(5 * kMiB + 1, 5 * kMiB + 1);
  server_.start();
  RawSocket socket = raw();
  socket.send(kGet);
  const std::string response = socket.read_response();
  EXPECT_TRUE(response.ends_with(content(5 * kMiB - 99, 100)));
  EXPECT_NE(response.find("Content-Length: 5242881\r\n"), std::string::npos);
  seen_.bytes = 0;
  socket.send(kGet);  // the connection goes on
  EXPECT_EQ(socket.read_response().size(), response.size());
  EXPECT_EQ(seen_.alive, 0);
}

TEST_F(HttpStream, SendsChunksThatTheClientDecodes) {
  give(3 * kMiB, std::nullopt);
  server_.start();
  const auto client = server_.client();
  ClientRequest request;
  for (const char* url : {"https://a.lazuli.localhost/", "http://a.lazuli.localhost/"}) {
    seen_.bytes = 0;
    request.url = url;
    const auto response = client->send(request);
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->headers.get("Transfer-Encoding"), "chunked");
    EXPECT_EQ(response->text(), content(0, 3 * kMiB));
  }
  RawSocket old = raw();
  seen_.bytes = 0;
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.read_all().ends_with("\r\n\r\n" + content(0, 3 * kMiB)));
}

TEST_F(HttpStream, PullsNoFasterThanTheClientTakes) {
  give(256 * kMiB, 256 * kMiB);
  server_.start();
  {
    RawSocket socket = raw();
    socket.send(kGet);
    socket.read_until("\r\n\r\n");
    std::this_thread::sleep_for(milliseconds(300));
    EXPECT_LT(seen_.bytes, 32 * kMiB);
  }
  for (int i = 0; i < 500 && seen_.alive > 0; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(seen_.alive, 0) << "the source goes with its client";
}

TEST_F(HttpStream, CutsOffWhatItsSourceDoesNotDeliver) {
  give(2 * kMiB, 4 * kMiB);
  server_.start();
  RawSocket early = raw();
  early.send(kGet);
  EXPECT_LT(early.read_all().size(), 3 * kMiB);
  ClientRequest request;
  request.url = "http://a.lazuli.localhost/";
  seen_.bytes = 0;
  EXPECT_FALSE(server_.client()->send(request).ok());
}

TEST_F(HttpStream, AnswersAHeadRequestWithoutPulling) {
  give(5, 5);
  server_.start();
  RawSocket socket = raw();
  socket.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(socket.read_until("\r\n\r\n").find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(seen_.bytes, 0u);
  socket.send(kGet);
  EXPECT_TRUE(socket.read_response().ends_with(content(0, 5)));
}

}  // namespace
}  // namespace lazuli::http
