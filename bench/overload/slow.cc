// SPDX-License-Identifier: Apache-2.0
// Many clients that never finish a request: each connection begins one and then sends a byte every
// few seconds; when the server drops it, it comes back. Prints "ready" once all are open.
//
// usage: bench_slow_clients PORT CONNECTIONS
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::string_view kBegin = "POST /score HTTP/1.1\r\nHost: slow.example\r\nX-Slow: ";
constexpr size_t kEachAddressMax =
    4000;  // so as not to run out of ports, nor of the server's bound

// Addresses 127.0.1.1, 127.0.1.2, …: other sources than that of well-behaved clients.
int open_connection(uint16_t port, size_t index) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in own = {};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(0x7f000101u + static_cast<uint32_t>(index / kEachAddressMax));
  sockaddr_in server = {};
  server.sin_family = AF_INET;
  server.sin_port = htons(port);
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&own), sizeof(own)) != 0 ||
      connect(fd, reinterpret_cast<sockaddr*>(&server), sizeof(server)) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  send(fd, kBegin.data(), kBegin.size(), MSG_NOSIGNAL);
  return fd;
}

bool is_dropped(int fd) {
  char answer[512];
  const ssize_t count = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
  return count >= 0 || (errno != EAGAIN && errno != EINTR);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto port = static_cast<uint16_t>(std::atoi(argv[1]));
  const auto count = static_cast<size_t>(std::atoi(argv[2]));
  const struct rlimit limit = {count + 100, count + 100};
  setrlimit(RLIMIT_NOFILE, &limit);
  std::vector<int> connections;
  for (size_t i = 0; i < count; ++i) connections.push_back(open_connection(port, i));
  std::puts("ready");
  std::fflush(stdout);
  for (size_t i = 0;; i = (i + 1) % count) {
    if (is_dropped(connections[i]) || send(connections[i], "x", 1, MSG_NOSIGNAL) != 1) {
      close(connections[i]);
      connections[i] = open_connection(port, i);
    }
    // All of them get a byte within five seconds.
    if (i % 20 == 0) std::this_thread::sleep_for(std::chrono::microseconds(100'000'000 / count));
  }
}
