// SPDX-License-Identifier: Apache-2.0
#include "server/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"

namespace lazuli::server {
namespace {

// Binds and closes again. The port really bound, or the errno, negative.
int probe(const std::string& address, uint16_t port) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
      ::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    size = sizeof *v4;
  } else if (auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
             ::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    size = sizeof *v6;
  } else {
    return -EINVAL;
  }
  int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (storage.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  int result = ::bind(fd, generic, size) == 0 ? 0 : -errno;
  if (result == 0 && ::listen(fd, 1) != 0) result = -errno;
  if (result == 0 && ::getsockname(fd, generic, &size) == 0)
    result = ntohs(reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
  ::close(fd);
  return result;
}

// Loopback families that exist here at all.
std::vector<std::string> loopbacks() {
  std::vector<std::string> present = {"127.0.0.1"};
  if (probe("::1", 0) > 0) present.push_back("::1");
  return present;
}

std::string endpoint(const std::string& address, uint16_t port) {
  bool v6 = address.find(':') != std::string::npos;
  return cat({v6 ? "[" : "", address, v6 ? "]:" : ":", std::to_string(port)});
}

// All addresses on one port, or the first refusal.
Result<ListenChoice> try_port(const std::vector<std::string>& addresses, uint16_t port) {
  ListenChoice choice{{}, port};
  for (const std::string& address : addresses) {
    int bound = probe(address, choice.port);
    if (bound < 0)
      return conflict(
          cat({"cannot listen on ", endpoint(address, choice.port), ": ", std::strerror(-bound),
               ". Choose another with --port N (0: any free one)."}));
    choice.port = static_cast<uint16_t>(bound);
    choice.addresses.push_back(endpoint(address, choice.port));
  }
  return choice;
}

}  // namespace

Result<ListenChoice> choose_addresses(const std::string& address, std::optional<uint16_t> port) {
  std::vector<std::string> addresses = loopbacks();
  if (!address.empty()) addresses = {address};
  if (port && *port != 0) return try_port(addresses, *port);
  if (!port) {
    for (uint16_t wanted : {uint16_t{443}, uint16_t{8443}}) {
      Result<ListenChoice> choice = try_port(addresses, wanted);
      if (choice.ok()) return choice;
    }
  }
  constexpr int kAttempts = 16;  // a port free on one family may be taken on the other
  for (int attempt = 1;; ++attempt) {
    Result<ListenChoice> choice = try_port(addresses, 0);
    if (choice.ok() || attempt == kAttempts) return choice;
  }
}

}  // namespace lazuli::server
