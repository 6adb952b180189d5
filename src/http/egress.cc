// SPDX-License-Identifier: Apache-2.0
#include <netdb.h>

#include <map>
#include <mutex>

#include "base/strings.h"
#include "base/time.h"
#include "http/tunnel.h"

namespace lazuli::http {
namespace {

constexpr uint16_t kHttps = 443;
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

class PublicEgress final : public Egress {
 public:
  explicit PublicEgress(Lookup lookup) : lookup_(std::move(lookup)) {}

  Result<void> check(const std::string& host, uint16_t port) const override {
    if (port != kHttps) return permission_denied("the proxy connects to port 443 alone");
    const auto literal = SocketAddress::parse_ip(host, port);
    if (literal.ok() && !literal->is_public()) return refusal(host);
    return success();
  }

  Result<std::vector<SocketAddress>> addresses(const std::string& host, uint16_t port) override {
    TRY(check(host, port));
    const auto literal = SocketAddress::parse_ip(host, port);
    if (literal.ok()) return std::vector<SocketAddress>{*literal};
    TRY(recent_failure(host));
    auto found = lookup_(host, port);
    if (!found.ok()) return remember(host, found.error());
    std::erase_if(*found, [](const SocketAddress& address) { return !address.is_public(); });
    if (found->empty()) return refusal(host);
    return found;
  }

  Result<std::vector<SocketAddress>> parent(const std::string& host, uint16_t port) override {
    return lookup_(host, port);
  }

 private:
  struct Failure {
    Error error;
    SteadyClock::time_point until;
  };

  static Error refusal(const std::string& host) {
    return permission_denied(cat({host, " is not a public address: the proxy does not go there"}));
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

  const Lookup lookup_;
  std::mutex mutex_;
  std::map<std::string, Failure> failures_;
};

}  // namespace

Lookup system_lookup() { return look_up; }

std::unique_ptr<Egress> public_egress(Lookup lookup) {
  return std::make_unique<PublicEgress>(std::move(lookup));
}

}  // namespace lazuli::http
