// SPDX-License-Identifier: Apache-2.0
// CONNECT: the server as a proxy, for its own names and, to processes on this machine, for others.
#include "base/strings.h"
#include "http/connection.h"

namespace lazuli::http {
namespace {

constexpr Duration kConnectTimeout = std::chrono::seconds(5);
constexpr uint16_t kHttpsPort = 443;
constexpr Duration kTunnelIdleTimeout = std::chrono::minutes(5);
constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";

int proxy_status(const Error& error) { return error.code == Code::kPermissionDenied ? 403 : 502; }

}  // namespace

void Connection::begin_connect() {
  const auto target = parse_authority(request_->exchange.head.target);
  if (transport_.is_tls()) return fail(405, "CONNECT is answered on plain HTTP alone");
  if (!target || !target->port) return fail(400, "CONNECT names a HOST:PORT");
  if (!context_.proxy.is_own(target->host)) return connect_foreign(*target);
  // The tunnel ends here: what comes through it is a new beginning on the same connection.
  request_.reset();
  head_begun_ = false;
  out_ = kEstablished;
  out_sent_ = 0;
  phase_ = Phase::kSniff;
  begin_pace();
}

void Connection::connect_foreign(const Authority& target) {
  if (!loopback_) return fail(403, "the proxy serves this machine alone");
  const std::string parent = context_.proxy.parent();
  // A parent decides about ports, but neither it nor we go to addresses that are not public.
  const auto allowed =
      context_.egress.check(target.host, parent.empty() ? *target.port : kHttpsPort);
  if (!allowed.ok()) return fail(proxy_status(allowed.error()), allowed.error().message);
  auto refused = context_.pools.of(Pool::kBackground)
                     .submit(std::make_unique<ResolveJob>(
                         context_.egress, reactor_, id_,
                         ResolveJob::Target{target.host, *target.port, parent}));
  if (refused) return fail(503, "the proxy is overloaded");
  set_phase(Phase::kResolve, kConnectTimeout);
}

void Connection::on_resolved(ResolveJob& job) {
  if (!job.addresses().ok()) {
    const Error& error = job.addresses().error();
    return fail(proxy_status(error), error.message);
  }
  const std::string_view early = std::string_view(pending_).substr(pending_taken_);
  Tunnel::Owner& self = *this;
  tunnel_ = std::make_unique<Tunnel>(reactor_, transport_, self, job.target(),
                                     std::move(*job.addresses()), early);
  pending_.clear();
  pending_taken_ = 0;
  phase_ = Phase::kTunnel;  // the deadline for connecting runs on
  tunnel_->begin();
}

void Connection::on_tunnel_progress() { touch(kTunnelIdleTimeout); }

void Connection::on_tunnel_failed(std::string reason) {
  fail(502, reason);
  advance();
}

void Connection::on_tunnel_ended() { close(); }

void Connection::drop_tunnel() {
  if (!tunnel_) return;
  tunnel_->stop();
  reactor_.retire(std::move(tunnel_));
}

}  // namespace lazuli::http
