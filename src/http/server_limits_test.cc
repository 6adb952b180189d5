// SPDX-License-Identifier: Apache-2.0
// What keeps slow, greedy or hostile clients from harming the others.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/strings.h"
#include "http/http_fake.h"

namespace lazuli::http {
namespace {

using std::chrono::milliseconds;

// Holds handlers back until it is opened.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds(10), [this] { return open_; });
  }
  void wait_for(int waiting) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return waiting_ >= waiting; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

// Endless, and says when the server lets go of it.
class EndlessSource final : public BodySource {
 public:
  explicit EndlessSource(std::atomic<bool>& dropped) : dropped_(dropped) {}
  ~EndlessSource() override { dropped_ = true; }
  Result<size_t> read(std::span<std::byte> out) override {
    std::ranges::fill(out, std::byte('x'));
    return out.size();
  }

 private:
  std::atomic<bool>& dropped_;
};

class HttpLimits : public ::testing::Test {
 protected:
  RawSocket raw() { return RawSocket(server_.address()); }
  // Requests that the I/O thread has given to a pool.
  void count_placed() {
    server_.application.on_place = [this](const RequestHead&) {
      ++placed_;
      return Pool::kControl;
    };
  }
  static void wait_until(const std::atomic<int>& value, int wanted) {
    for (int i = 0; i < 10'000 && value < wanted; ++i) std::this_thread::sleep_for(milliseconds(1));
  }
  Gate gate_;  // handlers are in it until the server has ended
  std::atomic<int> placed_ = 0;
  std::atomic<bool> dropped_ = false;
  TestServer server_;
};

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_F(HttpLimits, DropsAHeadThatTricklesIn) {
  server_.options.head_timeout = milliseconds(150);
  server_.start();
  RawSocket socket = raw();
  const auto begin = SteadyClock::now();
  for (int i = 0; i < 20 && SteadyClock::now() - begin < milliseconds(400); ++i) {
    socket.send(i == 0 ? "GET / HTTP/1.1\r\nX: " : "y");
    std::this_thread::sleep_for(milliseconds(25));
  }
  EXPECT_TRUE(socket.read_all().starts_with("HTTP/1.1 408"));
  EXPECT_EQ(server_.application.admitted, 0);
}

TEST_F(HttpLimits, DropsASilentConnection) {
  server_.options.head_timeout = milliseconds(100);
  server_.start();
  RawSocket socket = raw();
  EXPECT_TRUE(socket.is_closed());
  RawSocket tls = raw();
  tls.send("\x16\x03\x01");
  EXPECT_TRUE(tls.is_closed());
}

TEST_F(HttpLimits, DropsAnIdleKeptConnection) {
  server_.options.keep_alive_timeout = milliseconds(100);
  server_.start();
  RawSocket socket = raw();
  socket.send(kGet);
  EXPECT_TRUE(socket.read_response().starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(socket.is_closed());
}

TEST_F(HttpLimits, RejectsABodyThatStops) {
  server_.options.body_idle_timeout = milliseconds(100);
  server_.start();
  RawSocket socket = raw();
  socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(socket.read_response().starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(socket.is_closed());
  EXPECT_EQ(server_.application.rejected, 1);
}

TEST_F(HttpLimits, RejectsABodyThatTricklesIn) {
  server_.options.body_idle_timeout = milliseconds(150);
  server_.start();
  RawSocket socket = raw();
  socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
  const auto begin = SteadyClock::now();
  while (server_.application.rejected == 0 &&
         SteadyClock::now() - begin < std::chrono::seconds(5)) {
    socket.send("x");
    std::this_thread::sleep_for(milliseconds(50));
  }
  EXPECT_TRUE(socket.read_response().starts_with("HTTP/1.1 408"));
}

TEST_F(HttpLimits, RejectsABodyThatIsCutOff) {
  server_.start();
  RawSocket socket = raw();
  socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  socket.shut_down();
  EXPECT_TRUE(socket.read_response().starts_with("HTTP/1.1 400"));
  EXPECT_EQ(server_.application.rejected, 1);
  EXPECT_EQ(server_.application.handled, 0);
}

TEST_F(HttpLimits, TellsTheApplicationWhenAClientVanishesAmidABody) {
  server_.start();
  {
    RawSocket socket = raw();
    socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    wait_until(server_.application.admitted, 1);
    const linger reset = {1, 0};
    setsockopt(socket.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  }
  for (int i = 0; i < 500 && server_.application.rejected == 0; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(server_.application.rejected, 1);
}

TEST_F(HttpLimits, DropsAClientThatDoesNotTakeItsResponse) {
  server_.options.body_idle_timeout = milliseconds(150);
  server_.application.on_handle = [this](Exchange&) {
    Response response(200);
    response.body = StreamBody{std::make_unique<EndlessSource>(dropped_), 1ull << 40};
    return response;
  };
  server_.start();
  RawSocket socket = raw();
  socket.send(kGet);
  for (int i = 0; i < 10'000 && !dropped_; ++i) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_TRUE(dropped_);
}

TEST_F(HttpLimits, GivesUpOnAHandlerThatTakesTooLong) {
  server_.options.handler_timeout = milliseconds(100);
  server_.application.on_handle = [&](Exchange&) {
    gate_.pass();
    return Response(200);
  };
  server_.start();
  RawSocket socket = raw();
  socket.send(kGet);
  EXPECT_TRUE(socket.read_all().starts_with("HTTP/1.1 503"));
  gate_.open();
}

struct GoneAstray final : LateAnswer {
  Response late() const override { return Response(500, "{\"code\":\"OperationTimedOut\"}"); }
};

TEST_F(HttpLimits, SaysItLateInTheWordsOfTheApplication) {
  const GoneAstray late;
  server_.application.late = &late;
  server_.options.handler_timeout = milliseconds(100);
  server_.application.on_handle = [&](Exchange&) {
    gate_.pass();
    return Response(200);
  };
  server_.start();
  RawSocket get = raw();
  get.send(kGet);
  RawSocket head = raw();
  head.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answer = get.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500")) << answer;
  EXPECT_TRUE(answer.ends_with("\"OperationTimedOut\"}")) << answer;
  EXPECT_TRUE(head.read_all().ends_with("\r\n\r\n"));
  gate_.open();
}

TEST_F(HttpLimits, RefusesWhatHasWaitedTooLongForAThread) {
  server_.options.control_threads = 1;
  server_.options.queue_wait_max = milliseconds(50);
  server_.application.on_handle = [&](Exchange&) {
    gate_.pass();
    return Response(200);
  };
  count_placed();
  server_.start();
  RawSocket running = raw();
  running.send(kGet);
  gate_.wait_for(1);
  RawSocket waiting = raw();
  waiting.send(kGet);
  wait_until(placed_, 2);
  std::this_thread::sleep_for(milliseconds(150));
  gate_.open();
  EXPECT_TRUE(running.read_response().starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(waiting.read_response().starts_with("HTTP/1.1 503"));
  EXPECT_EQ(server_.application.handled, 1);
}

TEST_F(HttpLimits, OneSourceGetsAPartOfTheConnections) {
  server_.options.connections_per_source_max = 2;
  server_.start();
  RawSocket first = raw();
  first.send("GET / HTTP/1.1\r\n");
  {
    RawSocket second = raw();
    second.send(kGet);
    second.read_response();
    RawSocket third = raw();
    EXPECT_TRUE(third.is_closed());
  }
  std::string answer;
  for (int i = 0; i < 200 && answer.empty(); ++i) {  // until the server has noticed the end
    std::this_thread::sleep_for(milliseconds(10));
    RawSocket again = raw();
    again.send(kGet);
    answer = again.read_response();
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
}

TEST_F(HttpLimits, BodiesInMemoryHaveABoundTogether) {
  server_.options.buffered_bytes_max = 1000;
  server_.start();
  RawSocket first = raw();
  first.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n");
  wait_until(server_.application.admitted, 1);
  first.send(std::string(800, 'x'));
  std::this_thread::sleep_for(milliseconds(50));
  RawSocket second = raw();
  second.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n");
  EXPECT_TRUE(second.read_response().starts_with("HTTP/1.1 503"));
  RawSocket chunked = raw();
  chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  while (server_.application.admitted < 3) std::this_thread::sleep_for(milliseconds(1));
  chunked.send(cat({"12c\r\n", std::string(300, 'y'), "\r\n"}));
  EXPECT_TRUE(chunked.read_response().starts_with("HTTP/1.1 503"));
  first.send(std::string(100, 'x'));
  EXPECT_TRUE(first.read_response().starts_with("HTTP/1.1 200"));
  RawSocket after = raw();
  after.send(
      cat({"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n", std::string(900, 'z')}));
  EXPECT_TRUE(after.read_response().starts_with("HTTP/1.1 200"));
}

TEST_F(HttpLimits, AnswersOverloadWhenTheQueueIsFull) {
  server_.options.control_threads = 1;
  server_.options.queue_max = 1;
  server_.application.on_handle = [&](Exchange&) {
    gate_.pass();
    return Response(200);
  };
  count_placed();
  server_.start();
  RawSocket running = raw();
  running.send(kGet);
  gate_.wait_for(1);
  RawSocket queued = raw();
  queued.send(kGet);
  wait_until(placed_, 2);
  RawSocket refused = raw();
  refused.send(kGet);
  const std::string response = refused.read_response();
  EXPECT_TRUE(response.starts_with("HTTP/1.1 503")) << response;
  EXPECT_NE(response.find("Retry-After: 1"), std::string::npos);
  // The fastest of many, since this machine does other things as well.
  auto fastest = SteadyClock::duration::max();
  for (int i = 0; i < 50; ++i) {
    const auto begin = SteadyClock::now();
    refused.send(kGet);
    EXPECT_TRUE(refused.read_response().starts_with("HTTP/1.1 503"));
    fastest = std::min(fastest, SteadyClock::now() - begin);
  }
  EXPECT_LT(fastest, milliseconds(1));
  gate_.open();
  EXPECT_TRUE(running.read_response().starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(queued.read_response().starts_with("HTTP/1.1 200"));
}

TEST_F(HttpLimits, GivesUpAnIdleConnectionForANewOne) {
  server_.options.connections_max = 2;
  server_.start();
  RawSocket first = raw();
  first.send(kGet);
  first.read_response();
  RawSocket second = raw();
  second.send("GET / HTTP/1.1\r\n");  // busy with a head
  std::this_thread::sleep_for(milliseconds(50));
  RawSocket third = raw();
  third.send(kGet);
  EXPECT_TRUE(third.read_response().starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(first.is_closed());
  second.send("Host: a\r\n\r\n");
  EXPECT_TRUE(second.read_response().starts_with("HTTP/1.1 200"));
}

TEST_F(HttpLimits, AnswersMalformedRequestsAndCloses) {
  server_.start();
  RawSocket socket = raw();
  socket.send(cat({"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
                   "\r\n\r\n0\r\n\r\n", kGet}));
  const std::string all = socket.read_all();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 400")) << all;
  EXPECT_EQ(all.find("HTTP/1.1", 1), std::string::npos) << "a smuggled request was answered";
  RawSocket chunk = raw();
  chunk.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  EXPECT_TRUE(chunk.read_all().starts_with("HTTP/1.1 400"));
  RawSocket late = raw();
  late.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  wait_until(server_.application.admitted, 1);
  late.send("zz\r\n");
  EXPECT_TRUE(late.read_all().starts_with("HTTP/1.1 400"));
  EXPECT_EQ(server_.application.handled, 0);
}

TEST_F(HttpLimits, DoesNotLoseAnEarlyAnswerToALongUpload) {
  server_.application.on_admit = [](Exchange&) {
    return Application::Admission{Response(401, "who are you"), {}};
  };
  server_.start();
  RawSocket socket = raw();
  socket.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  for (int i = 0; i < 100; ++i) socket.send(std::string(100'000, 'x'));
  const std::string response = socket.read_response();
  EXPECT_TRUE(response.starts_with("HTTP/1.1 401")) << response;
  EXPECT_TRUE(response.ends_with("who are you"));
}

TEST_F(HttpLimits, DrainLetsRequestsFinish) {
  server_.application.on_handle = [&](Exchange&) {
    gate_.pass();
    return Response(200, "done");
  };
  server_.start();
  RawSocket idle = raw();
  RawSocket busy = raw();
  busy.send(kGet);
  gate_.wait_for(1);
  std::thread drain([this] { server_.server().drain(std::chrono::seconds(5)); });
  EXPECT_TRUE(idle.is_closed());
  gate_.open();
  const std::string response = busy.read_all();
  EXPECT_TRUE(response.ends_with("done")) << response;
  EXPECT_NE(response.find("Connection: close"), std::string::npos);
  drain.join();
  const SocketAddress address = *SocketAddress::parse(server_.address());
  const Fd late(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_NE(connect(late.get(), address.data(), address.size()), 0);
}

TEST_F(HttpLimits, DrainClosesWhatDoesNotFinish) {
  server_.start();
  RawSocket socket = raw();
  socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  wait_until(server_.application.admitted, 1);
  const auto begin = SteadyClock::now();
  server_.server().drain(milliseconds(200));
  EXPECT_LT(SteadyClock::now() - begin, std::chrono::seconds(3));
  EXPECT_TRUE(socket.is_closed());
}

}  // namespace
}  // namespace lazuli::http
