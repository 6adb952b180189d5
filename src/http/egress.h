// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "http/client.h"
#include "http/socket.h"

namespace lazuli::http {

// A network: "10.0.0.0/8", "fd00::/8", or one address. IPv4 written inside IPv6 is the IPv4
// address.
class Network {
 public:
  static Result<Network> parse(std::string_view text);
  bool contains(const SocketAddress& address) const;

 private:
  std::string bytes_;  // 4 or 16, in network order
  int bits_ = 0;
};

// How to reach a destination.
struct EgressWay {
  std::vector<SocketAddress> addresses;  // one of these must really be connected to
  bool by_parent = false;  // they are the parent proxy's, which is asked for the destination
};

// Decides where connections to destinations that users name may go. What an operator configures
// (engines, databases, the parent proxy) does not come here. Calls block on name look-ups;
// thread-safe.
class Egress {
 public:
  virtual ~Egress() = default;
  // Why `host`:`port` is refused whatever a look-up says, or success: to be asked first, does not
  // block.
  virtual Result<void> check(const std::string& host, uint16_t port) const = 0;
  // The addresses that may be connected to for `host`, one of which must really be used: a second
  // look-up could give others. kPermissionDenied when none of those it has is allowed.
  virtual Result<std::vector<SocketAddress>> addresses(const std::string& host, uint16_t port) = 0;
  // Like addresses(), by the parent proxy where the rules name one: all addresses that a look-up
  // here gives must then be allowed, since the proxy looks up again. What only the proxy can look
  // up is the proxy's to judge; networks that the operator opened are reached without it.
  virtual Result<EgressWay> way(const std::string& host, uint16_t port);
  // The addresses of a parent proxy, which may be anywhere.
  virtual Result<std::vector<SocketAddress>> parent(const std::string& host, uint16_t port) = 0;
};

using Lookup =
    std::function<Result<std::vector<SocketAddress>>(const std::string& host, uint16_t port)>;
Lookup system_lookup();

struct EgressRules {
  std::vector<uint16_t> ports = {};    // empty: every port
  std::vector<Network> networks = {};  // opened by the operator beside the public addresses
  std::string parent = {};             // proxy for the rest ("host:port"); empty: direct
};

// Public addresses and the networks of the rules. A failed look-up is remembered for a minute.
std::unique_ptr<Egress> make_egress(EgressRules rules, Lookup lookup = system_lookup());

struct EgressOptions {
  std::string ca_file;  // PEM bundle that alone is trusted
  Duration connect_timeout = std::chrono::seconds(5);
  Duration timeout = std::chrono::seconds(30);
  uint64_t response_bytes_max = 4u << 20;
  int redirects_max = 5;
};

// A blocking client for URLs that users supply: each connection, a redirect's too, goes to an
// address that the Egress has allowed. Redirects are followed for GET and HEAD alone, never from
// https to http, and without credentials to another origin. One call at a time per object.
class EgressClient {
 public:
  static Result<std::unique_ptr<EgressClient>> create(EgressOptions options, Egress& egress);
  virtual ~EgressClient() = default;
  // Any status is a success; kPermissionDenied where a destination is refused.
  virtual Result<Response> send(const ClientRequest& request) = 0;
};

}  // namespace lazuli::http
