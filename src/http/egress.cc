// SPDX-License-Identifier: Apache-2.0
#include "http/egress.h"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include "base/strings.h"
#include "base/time.h"
#include "http/parser.h"

namespace lazuli::http {
namespace {

constexpr auto kFailureLife = std::chrono::minutes(1);
constexpr size_t kFailuresMax = 1024;

Result<std::vector<SocketAddress>> look_up(const std::string& host, uint16_t port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) return unavailable(cat({"look up ", host, ": ", gai_strerror(code)}));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    addresses.push_back(SocketAddress::from(entry->ai_addr, entry->ai_addrlen));
  }
  return addresses;
}

// An address's bytes in network order; "::ffff:10.0.0.1" is 10.0.0.1, which it would reach.
std::string bytes_of(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    const auto& v4 = *reinterpret_cast<const sockaddr_in*>(address.data());
    return {reinterpret_cast<const char*>(&v4.sin_addr), sizeof(v4.sin_addr)};
  }
  if (address.family() != AF_INET6) return {};
  const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(address.data());
  const std::string all(reinterpret_cast<const char*>(&v6.sin6_addr), sizeof(v6.sin6_addr));
  return IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? all.substr(12) : all;
}

// RFC 6761 §6.3; authorities are lower case here.
bool is_localhost(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost");
}

class GuardedEgress final : public Egress {
 public:
  GuardedEgress(EgressRules rules, Lookup lookup)
      : rules_(std::move(rules)), lookup_(std::move(lookup)) {}

  Result<void> check(const std::string& host, uint16_t port) const override {
    const auto& ports = rules_.ports;
    if (!ports.empty() && std::find(ports.begin(), ports.end(), port) == ports.end())
      return permission_denied(cat({"connections to port ", std::to_string(port),
                                    " are not made from here: another port is not open"}));
    const auto literal = SocketAddress::parse_ip(host, port);
    if (literal.ok() && !is_allowed(*literal)) return refusal(host);
    // A parent proxy would take it for itself.
    if (is_localhost(host) && !is_allowed(*SocketAddress::parse_ip("127.0.0.1", port)))
      return refusal(host);
    return success();
  }

  Result<std::vector<SocketAddress>> addresses(const std::string& host, uint16_t port) override {
    TRY(check(host, port));
    const auto literal = SocketAddress::parse_ip(host, port);
    if (literal.ok()) return std::vector<SocketAddress>{*literal};
    auto found = TRY(look_up_name(host, port));
    std::erase_if(found, [this](const SocketAddress& address) { return !is_allowed(address); });
    if (found.empty()) return refusal(host);
    return found;
  }

  Result<EgressWay> way(const std::string& host, uint16_t port) override {
    if (rules_.parent.empty()) return Egress::way(host, port);
    TRY(check(host, port));
    const auto literal = SocketAddress::parse_ip(host, port);
    if (literal.ok() && literal->is_public()) return by_parent();
    if (literal.ok()) return EgressWay{{*literal}};
    auto found = look_up_name(host, port);
    if (!found.ok()) return by_parent();
    for (const SocketAddress& address : *found)
      if (!is_allowed(address)) return refusal(host);
    std::erase_if(*found, [](const SocketAddress& address) { return address.is_public(); });
    if (found->empty()) return by_parent();
    return EgressWay{std::move(*found)};
  }

  Result<std::vector<SocketAddress>> parent(const std::string& host, uint16_t port) override {
    const auto literal = SocketAddress::parse_ip(host, port);
    if (literal.ok()) return std::vector<SocketAddress>{*literal};
    return lookup_(host, port);
  }

 private:
  struct Failure {
    Error error;
    SteadyClock::time_point until;
  };

  Result<EgressWay> by_parent() {
    const auto authority = parse_authority(rules_.parent);
    if (!authority || !authority->port)
      return invalid_argument("the parent proxy is not written as HOST:PORT");
    return EgressWay{TRY(parent(authority->host, *authority->port)), true};
  }

  Result<std::vector<SocketAddress>> look_up_name(const std::string& host, uint16_t port) {
    TRY(recent_failure(host));
    auto found = lookup_(host, port);
    if (!found.ok()) return remember(host, found.error());
    return found;
  }

  bool is_allowed(const SocketAddress& address) const {
    if (address.is_public()) return true;
    return std::any_of(rules_.networks.begin(), rules_.networks.end(),
                       [&](const Network& network) { return network.contains(address); });
  }

  static Error refusal(const std::string& host) {
    return permission_denied(
        cat({host, " is not a public address: no connection is made to it from here"}));
  }

  // Clients try several times; each look-up that fails can take seconds.
  Result<void> recent_failure(const std::string& host) {
    const std::lock_guard lock(mutex_);
    const auto found = failures_.find(host);
    if (found == failures_.end()) return success();
    if (found->second.until > SteadyClock::now()) return found->second.error;
    failures_.erase(found);
    return success();
  }

  Error remember(const std::string& host, const Error& error) {
    const std::lock_guard lock(mutex_);
    if (failures_.size() >= kFailuresMax) failures_.clear();
    failures_[host] = {error, SteadyClock::now() + kFailureLife};
    return error;
  }

  const EgressRules rules_;
  const Lookup lookup_;
  std::mutex mutex_;
  std::map<std::string, Failure> failures_;
};

}  // namespace

Result<EgressWay> Egress::way(const std::string& host, uint16_t port) {
  return EgressWay{TRY(addresses(host, port))};
}

Result<Network> Network::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = SocketAddress::parse_ip(trim(text.substr(0, slash)), 0);
  if (!address.ok())
    return invalid_argument(cat({"\"", text, "\" is no network: write 10.0.0.0/8 or fd00::/8"}));
  Network network;
  network.bytes_ = bytes_of(*address);
  const int width = static_cast<int>(network.bytes_.size()) * 8;
  network.bits_ = width;
  if (slash == std::string_view::npos) return network;
  const auto bits = parse_int(text.substr(slash + 1));
  if (!bits || *bits < 0 || *bits > width)
    return invalid_argument(
        cat({"\"", text, "\": the prefix has 0 to ", std::to_string(width), " bits"}));
  network.bits_ = static_cast<int>(*bits);
  return network;
}

bool Network::contains(const SocketAddress& address) const {
  const std::string other = bytes_of(address);
  if (other.size() != bytes_.size()) return false;
  const size_t whole = static_cast<size_t>(bits_) / 8;
  if (std::memcmp(other.data(), bytes_.data(), whole) != 0) return false;
  const int rest = bits_ % 8;
  if (rest == 0) return true;
  const auto difference = static_cast<unsigned char>(other[whole] ^ bytes_[whole]);
  return difference >> (8 - rest) == 0;
}

Lookup system_lookup() { return look_up; }

std::unique_ptr<Egress> make_egress(EgressRules rules, Lookup lookup) {
  return std::make_unique<GuardedEgress>(std::move(rules), std::move(lookup));
}

}  // namespace lazuli::http
