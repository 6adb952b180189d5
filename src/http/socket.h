// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace lazuli::http {

// An IPv4, IPv6 or Unix socket address.
class SocketAddress {
 public:
  // "127.0.0.1:443", "[::1]:443", "unix:/path": numbers only, nothing is looked up.
  static Result<SocketAddress> parse(std::string_view text);
  // An address without a port ("10.0.0.1", "[::1]", "::1").
  static Result<SocketAddress> parse_ip(std::string_view text, uint16_t port);
  static SocketAddress from(const sockaddr* address, socklen_t size);

  std::string to_string() const;  // the form that parse() takes
  std::string host() const;       // without port and brackets; "unix" for a Unix socket
  // Whom the address belongs to, for limits: the IPv4 address, the IPv6 /64 network, or "unix".
  std::string network() const;
  uint16_t port() const;
  int family() const { return storage_.ss_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  bool is_loopback() const;  // 127/8, ::1, their mapped forms, any Unix socket
  // Reachable on the Internet: not loopback, private, shared (CGNAT), link-local, metadata,
  // multicast, documentation or reserved, and no form that embeds another address.
  bool is_public() const;
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }

 private:
  std::string unix_path() const;
  sockaddr_storage storage_ = {};
  socklen_t size_ = 0;
};

// A non-blocking listening socket. A Unix socket gets mode 0600; a stale one is replaced.
Result<Fd> listen_on(const SocketAddress& address);
// Where a socket is bound.
SocketAddress local_address(int fd);
// Begins a non-blocking connect; writable means done, then connect_result() tells the outcome.
Result<Fd> connect_start(const SocketAddress& address);
Result<void> connect_result(int fd, const SocketAddress& address);

}  // namespace lazuli::http
