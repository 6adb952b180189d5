// SPDX-License-Identifier: Apache-2.0
#include "engines/compute/relay.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/ids.h"
#include "base/strings.h"
#include "base/time.h"

namespace lazuli::compute {
namespace {

std::string receive_all(int socket) {
  std::string text;
  char buffer[65536];
  for (ssize_t count; (count = ::recv(socket, buffer, sizeof buffer, 0)) > 0;)
    text.append(buffer, static_cast<size_t>(count));
  return text;
}

bool send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    ssize_t count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    text.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

// Answers each connection, once its sender is done, with what it sent, reversed.
class ReverseServer {
 public:
  explicit ReverseServer(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ::unlink(path.c_str());
    ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(socket_.get(), 1024);
    thread_ = std::thread([this] {
      for (;;) {
        Fd peer(::accept(socket_.get(), nullptr, nullptr));
        if (!peer.valid()) return;
        std::string text = receive_all(peer.get());
        std::reverse(text.begin(), text.end());
        (void)send_all(peer.get(), text);
      }
    });
  }
  ~ReverseServer() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }

 private:
  Fd socket_;
  std::thread thread_;
};

class ComputeRelay : public testing::Test {
 protected:
  void TearDown() override {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    ::unlink(path_.c_str());
  }

  void start(std::vector<std::string> proxy_for) {
    relay_ = Relay::create({path_, std::move(proxy_for)}).value();
    Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0);
    socklen_t size = sizeof address_;
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address_), &size);
    ::listen(listener.get(), 1024);
    ASSERT_TRUE(relay_->add_listener(std::move(listener)));
    thread_ = std::thread([this] {
      while (!stop_) {
        pollfd entry{relay_->fd(), POLLIN, 0};
        if (::poll(&entry, 1, 50) > 0) relay_->step();
      }
    });
  }
  Fd connect() {
    Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
    timeval limit{20, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)::connect(socket.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_);
    return socket;
  }
  std::string ask(std::string_view text) {
    Fd socket = connect();
    (void)send_all(socket.get(), text);
    ::shutdown(socket.get(), SHUT_WR);
    return receive_all(socket.get());
  }

  std::string path_ = cat({"/tmp/lazuli-relay-", random_name(10)});
  sockaddr_in address_{};
  std::unique_ptr<Relay> relay_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST_F(ComputeRelay, PassesLargeBodiesBothWaysAndHalfCloses) {
  ReverseServer server(path_);
  start({});
  std::string text;
  for (int i = 0; text.size() < (16u << 20); ++i) text += std::to_string(i) + ",";
  std::string answer = ask(text);
  std::reverse(answer.begin(), answer.end());
  EXPECT_TRUE(answer == text) << answer.size();
  EXPECT_EQ(ask(""), "");
}

TEST_F(ComputeRelay, ServesMoreClientsThanItKeepsAtOnce) {
  ReverseServer server(path_);
  start({});
  std::vector<Fd> clients;
  for (int i = 0; i < 700; ++i) clients.push_back(connect());
  for (Fd& client : clients) {
    ASSERT_TRUE(send_all(client.get(), "abc"));
    ::shutdown(client.get(), SHUT_WR);
  }
  for (Fd& client : clients) ASSERT_EQ(receive_all(client.get()), "cba");
}

TEST_F(ComputeRelay, WaitsForAServerThatComesBack) {
  start({});
  std::string answer;
  std::thread client([&] { answer = ask("early"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ReverseServer server(path_);
  client.join();
  EXPECT_EQ(answer, "ylrae");
}

TEST_F(ComputeRelay, TunnelsToNamedHostsOnly) {
  ReverseServer server(path_);
  start({"a.example.localhost"});
  constexpr std::string_view kGood =
      "CONNECT a.example.localhost:443 HTTP/1.1\r\nHost: a\r\n\r\nxyz";
  EXPECT_EQ(ask(kGood), "HTTP/1.1 200 Connection established\r\n\r\nzyx");
  for (const char* head :
       {"CONNECT example.com:443 HTTP/1.1", "CONNECT a.example.localhost:22 HTTP/1.1",
        "GET http://a.example.localhost/ HTTP/1.1", ""})
    EXPECT_TRUE(ask(cat({head, "\r\n\r\n"})).starts_with("HTTP/1.1 403")) << head;
  EXPECT_EQ(ask(std::string(100'000, 'x')), "");
}

}  // namespace
}  // namespace lazuli::compute
