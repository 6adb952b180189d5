// SPDX-License-Identifier: Apache-2.0
#include "http/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/strings.h"

namespace lazuli::http {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

struct Range4 {
  uint32_t network;
  int bits;
};
// IANA's special-purpose registry, and the fixed address of Azure's platform channel.
constexpr std::array kNotPublic4 = {
    Range4{0x00000000, 8},   // this network
    Range4{0x0a000000, 8},   // private
    Range4{0x64400000, 10},  // shared (CGNAT)
    Range4{0x7f000000, 8},   // loopback
    Range4{0xa83f8110, 32},  // 168.63.129.16
    Range4{0xa9fe0000, 16},  // link-local, instance metadata
    Range4{0xac100000, 12},  // private
    Range4{0xc0000000, 24},  // protocol assignments
    Range4{0xc0000200, 24},  // documentation
    Range4{0xc0586300, 24},  // 6to4 relays
    Range4{0xc0a80000, 16},  // private
    Range4{0xc6120000, 15},  // benchmarks
    Range4{0xc6336400, 24},  // documentation
    Range4{0xcb007100, 24},  // documentation
    Range4{0xe0000000, 4},   // multicast
    Range4{0xf0000000, 4},   // reserved, broadcast
};

bool is_public4(uint32_t address) {
  for (const Range4& range : kNotPublic4) {
    if ((address ^ range.network) >> (32 - range.bits) == 0) return false;
  }
  return true;
}

bool is_public6(const in6_addr& address) {
  const uint8_t* byte = address.s6_addr;
  if ((byte[0] & 0xe0) != 0x20) return false;            // only 2000::/3 is global
  if (byte[0] == 0x20 && byte[1] == 0x02) return false;  // 6to4 embeds IPv4
  if (byte[0] == 0x3f && byte[1] == 0xff && byte[2] < 0x10) return false;  // documentation
  if (byte[0] != 0x20 || byte[1] != 0x01) return true;
  if (byte[2] < 0x02) return false;              // 2001::/23: Teredo and others
  return !(byte[2] == 0x0d && byte[3] == 0xb8);  // documentation
}

Result<SocketAddress> parse_unix(std::string_view path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return invalid_argument(
        cat({"the socket path \"", path, "\" is empty or longer than 107 bytes"}));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return SocketAddress::from(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

// Binding needs the name to be free: a socket file that nobody listens on is left over.
void remove_stale(const SocketAddress& address, const std::string& path) {
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return;
  const Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(probe.get(), address.data(), address.size()) != 0 && errno == ECONNREFUSED) {
    unlink(path.c_str());
  }
}

}  // namespace

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) return parse_unix(text.substr(kUnixPrefix.size()));
  const size_t colon = text.rfind(':');
  const auto port = colon == text.npos ? std::nullopt : parse_int(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) {
    return invalid_argument(cat({"\"", text, "\" is no address: write ADDRESS:PORT or unix:PATH"}));
  }
  return parse_ip(text.substr(0, colon), static_cast<uint16_t>(*port));
}

Result<SocketAddress> SocketAddress::parse_ip(std::string_view text, uint16_t port) {
  std::string host(text);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    return from(reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
  }
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    return from(reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
  }
  return invalid_argument(cat({"\"", text, "\" is not an IP address"}));
}

SocketAddress SocketAddress::from(const sockaddr* address, socklen_t size) {
  SocketAddress result;
  result.size_ = std::min<socklen_t>(size, sizeof(result.storage_));
  std::memcpy(&result.storage_, address, result.size_);
  return result;
}

std::string SocketAddress::unix_path() const {
  return reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path;
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = "unix";
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text,
              sizeof(text));
  } else if (family() == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr, text,
              sizeof(text));
  }
  return text;
}

std::string SocketAddress::network() const {
  if (family() != AF_INET6) return host();
  SocketAddress masked = *this;
  in6_addr& address = reinterpret_cast<sockaddr_in6*>(&masked.storage_)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address) || IN6_IS_ADDR_LOOPBACK(&address)) return host();
  std::fill(std::begin(address.s6_addr) + 8, std::end(address.s6_addr), uint8_t{0});
  return masked.host() + "/64";
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  if (family() == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  return 0;
}

std::string SocketAddress::to_string() const {
  if (is_unix()) return cat({kUnixPrefix, unix_path()});
  const std::string number = std::to_string(port());
  if (family() == AF_INET6) return cat({"[", host(), "]:", number});
  return cat({host(), ":", number});
}

bool SocketAddress::is_loopback() const {
  if (is_unix()) return true;
  if (family() == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr.s_addr) >> 24 == 127;
  }
  const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) return address.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&address);
}

bool SocketAddress::is_public() const {
  if (family() == AF_INET) {
    return is_public4(ntohl(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr.s_addr));
  }
  return family() == AF_INET6 &&
         is_public6(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr);
}

Result<Fd> listen_on(const SocketAddress& address) {
  Fd fd(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return errno_error("make a socket for " + address.to_string(), errno);
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.family() == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  const std::string path = address.is_unix() ? address.to_string().substr(kUnixPrefix.size()) : "";
  if (address.is_unix()) remove_stale(address, path);
  if (bind(fd.get(), address.data(), address.size()) != 0) {
    return errno_error("listen on " + address.to_string(), errno);
  }
  // Nobody can connect before listen(), so the file is never open to others.
  if (address.is_unix() && chmod(path.c_str(), 0600) != 0)
    return errno_error("protect " + path, errno);
  if (listen(fd.get(), 4096) != 0) return errno_error("listen on " + address.to_string(), errno);
  return fd;
}

SocketAddress local_address(int fd) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(storage);
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  return SocketAddress::from(reinterpret_cast<sockaddr*>(&storage), size);
}

Result<Fd> connect_start(const SocketAddress& address) {
  Fd fd(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return errno_error("make a socket", errno);
  const int on = 1;
  if (!address.is_unix()) setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connect(fd.get(), address.data(), address.size()) != 0 && errno != EINPROGRESS) {
    return unavailable(errno_error("connect to " + address.to_string(), errno).message);
  }
  return fd;
}

Result<void> connect_result(int fd, const SocketAddress& address) {
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return success();
  return unavailable(errno_error("connect to " + address.to_string(), error).message);
}

}  // namespace lazuli::http
