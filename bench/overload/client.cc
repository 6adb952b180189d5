// SPDX-License-Identifier: Apache-2.0
// An open-loop load generator: requests are due at random times of a given rate (Poisson), whatever
// the server does; latency counts from when a request was due. One that is due while all
// connections are under way is lost: its client has given up.
//
// usage: bench_open_loop PORT RATE SECONDS CONNECTIONS REQUEST_FILE
// prints: sent N lost N ok N refused N failed N late N ok_p50_us N ok_p99_us N refused_p99_us N
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(1);  // an answer after that helps nobody

struct Options {
  uint16_t port = 0;
  double rate = 0;
  std::chrono::seconds duration{};
  size_t connections = 0;
  std::string request;
};

struct Connection {
  int fd = -1;
  bool busy = false;
  Clock::time_point due;
  std::string received;
};

struct Tally {
  size_t sent = 0, lost = 0, ok = 0, refused = 0, failed = 0, late = 0;
  std::vector<double> ok_us, refused_us;
};

double percentile(std::vector<double>& values, double part) {
  if (values.empty()) return 0;
  const auto at = static_cast<ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<size_t>(at)];
}

// The length of the whole answer once its head is there, else 0.
size_t answer_size(const std::string& text) {
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  const size_t field = text.find("Content-Length: ");
  const size_t body = field < end ? std::strtoul(text.c_str() + field + 16, nullptr, 10) : 0;
  return end + 4 + body;
}

class Generator {
 public:
  explicit Generator(Options options) : options_(std::move(options)), epoll_(epoll_create1(0)) {
    connections_.resize(options_.connections);
    for (size_t i = 0; i < connections_.size(); ++i) {
      open(i);
      free_.push_back(i);
    }
  }

  Tally run() {
    const auto begin = Clock::now();
    const auto end = begin + options_.duration;
    auto next = begin;
    while (Clock::now() < end + kPatience) {
      const auto now = Clock::now();
      for (; next <= now && next < end; next += gap()) send_one(next);
      receive(now < end ? 0 : 10);
      if (now >= end && free_.size() == connections_.size()) break;
    }
    tally_.failed += connections_.size() - free_.size();
    return std::move(tally_);
  }

 private:
  std::chrono::nanoseconds gap() {
    std::exponential_distribution<double> seconds(options_.rate);
    return std::chrono::nanoseconds(static_cast<int64_t>(seconds(random_) * 1e9) + 1);
  }

  void open(size_t index) {
    Connection& connection = connections_[index];
    if (connection.fd >= 0) close(connection.fd);
    connection = {};
    connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      std::perror("connect");
      std::exit(1);
    }
    const int on = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = index;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
  }

  void send_one(Clock::time_point due) {
    if (free_.empty()) {
      ++tally_.lost;
      return;
    }
    const size_t index = free_.back();
    free_.pop_back();
    Connection& connection = connections_[index];
    connection.due = due;
    connection.busy = true;
    ++tally_.sent;
    const std::string& text = options_.request;
    if (send(connection.fd, text.data(), text.size(), MSG_NOSIGNAL) < 0) end(index, false);
  }

  void receive(int timeout_ms) {
    std::array<epoll_event, 256> events;
    const int count =
        epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
    std::array<char, 16384> buffer;
    for (int i = 0; i < count; ++i) {
      const size_t index = events[static_cast<size_t>(i)].data.u64;
      Connection& connection = connections_[index];
      const ssize_t size = recv(connection.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (size <= 0) {
        end(index, false);
        continue;
      }
      connection.received.append(buffer.data(), static_cast<size_t>(size));
      const size_t whole = answer_size(connection.received);
      if (whole > 0 && connection.received.size() >= whole) end(index, true);
    }
  }

  void end(size_t index, bool answered) {
    Connection& connection = connections_[index];
    const bool was_busy = connection.busy;
    if (was_busy && answered) count(connection);
    if (was_busy && !answered) ++tally_.failed;
    const bool closes = connection.received.find("Connection: close") != std::string::npos;
    connection.received.clear();
    connection.busy = false;
    if (!answered || closes) open(index);
    if (was_busy) free_.push_back(index);
  }

  void count(const Connection& connection) {
    const auto took = Clock::now() - connection.due;
    const double us = std::chrono::duration<double, std::micro>(took).count();
    const int status = std::atoi(connection.received.c_str() + 9);
    if (status == 429 || status == 503) {
      ++tally_.refused;
      tally_.refused_us.push_back(us);
    } else if (status != 200) {
      ++tally_.failed;
    } else if (took > kPatience) {
      ++tally_.late;
    } else {
      ++tally_.ok;
      tally_.ok_us.push_back(us);
    }
  }

  const Options options_;
  const int epoll_;
  std::vector<Connection> connections_;
  std::vector<size_t> free_;
  std::minstd_rand random_{1};
  Tally tally_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  std::ifstream file(argv[5], std::ios::binary);
  Options options{static_cast<uint16_t>(std::atoi(argv[1])), std::atof(argv[2]),
                  std::chrono::seconds(std::atoi(argv[3])), static_cast<size_t>(std::atoi(argv[4])),
                  std::string(std::istreambuf_iterator<char>(file), {})};
  Tally tally = Generator(std::move(options)).run();
  std::printf(
      "sent %zu lost %zu ok %zu refused %zu failed %zu late %zu ok_p50_us %.0f ok_p99_us %.0f "
      "refused_p99_us %.0f\n",
      tally.sent, tally.lost, tally.ok, tally.refused, tally.failed, tally.late,
      percentile(tally.ok_us, 0.5), percentile(tally.ok_us, 0.99),
      percentile(tally.refused_us, 0.99));
}
