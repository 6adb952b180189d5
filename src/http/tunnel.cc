// SPDX-License-Identifier: Apache-2.0
#include "http/tunnel.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/strings.h"

namespace lazuli::http {
namespace {

constexpr size_t kPipeBytes = 64 * 1024;
constexpr size_t kAnswerBytesMax = 16 * 1024;
constexpr int kRoundsMax = 16;  // then the other connections have their turn
constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

}  // namespace

void ResolveJob::run(std::unique_ptr<Job> self) {
  if (target_.parent.empty()) {
    addresses_ = egress_.addresses(target_.host, target_.port);
  } else {
    const size_t colon = target_.parent.rfind(':');
    const auto port =
        colon == std::string::npos ? std::nullopt : parse_int(target_.parent.substr(colon + 1));
    addresses_ = port
                     ? egress_.parent(target_.parent.substr(0, colon), static_cast<uint16_t>(*port))
                     : invalid_argument("the parent proxy is not written as HOST:PORT");
  }
  home_.deliver(connection_, std::move(self));
}

Tunnel::Tunnel(Reactor& reactor, Transport& client, Owner& owner, ResolveJob::Target target,
               std::vector<SocketAddress> addresses, std::string_view early)
    : reactor_(reactor),
      client_(client),
      owner_(owner),
      target_(std::move(target)),
      addresses_(std::move(addresses)) {
  outward_.bytes.append(early);
}

void Tunnel::begin() { try_next("no address"); }

void Tunnel::try_next(std::string reason) {
  while (next_address_ < addresses_.size()) {
    const SocketAddress& address = addresses_[next_address_++];
    auto socket = connect_start(address);
    if (!socket.ok()) {
      reason = socket.error().message;
      continue;
    }
    if (upstream_.fd() >= 0) reactor_.forget(upstream_.fd(), *this);
    upstream_ = Transport(std::move(*socket));
    const auto watched = reactor_.watch(upstream_.fd(), *this);
    if (watched.ok()) return;
    reason = watched.error().message;
  }
  owner_.on_tunnel_failed(std::move(reason));
}

void Tunnel::on_events(uint32_t events) {
  if (state_ == State::kConnecting && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
    const auto connected = connect_result(upstream_.fd(), addresses_[next_address_ - 1]);
    if (!connected.ok()) return try_next(connected.error().message);
    on_connected();
  }
  advance();
}

void Tunnel::on_connected() {
  if (target_.parent.empty()) {
    inward_.bytes.append(kEstablished);
    state_ = State::kOpen;
    return;
  }
  const std::string authority = cat({target_.host, ":", std::to_string(target_.port)});
  const std::string ask =
      cat({"CONNECT ", authority, " HTTP/1.1\r\nHost: ", authority, "\r\n\r\n"});
  state_ = State::kAsking;
  // A fresh socket always has room for this.
  upstream_.write(ask, {});
}

void Tunnel::ask_parent() {
  while (true) {
    const Io io = upstream_.read(reactor_.scratch());
    if (io.status == IoStatus::kWantRead) return;
    if (io.status != IoStatus::kOk) return owner_.on_tunnel_failed("the parent proxy closed");
    answer_.append(reactor_.scratch().data(), io.bytes);
    const size_t end = answer_.find(kHeadEnd);
    if (end == answer_.npos) {
      if (answer_.size() <= kAnswerBytesMax) continue;
      return owner_.on_tunnel_failed("the parent proxy's answer is too long");
    }
    const std::string line = answer_.substr(0, answer_.find("\r\n"));
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[9] != '2') {
      return owner_.on_tunnel_failed(cat({"the parent proxy refused: ", line}));
    }
    inward_.bytes.append(kEstablished);
    inward_.bytes.append(std::string_view(answer_).substr(end + kHeadEnd.size()));
    state_ = State::kOpen;
    return;
  }
}

void Tunnel::advance() {
  if (state_ == State::kAsking) ask_parent();
  if (state_ != State::kOpen) return;
  for (int round = 0; round < kRoundsMax; ++round) {
    const Pumped out = pump(client_, upstream_, outward_);
    const Pumped in = pump(upstream_, client_, inward_);
    const bool over = outward_.shut && inward_.shut;
    if (over || out == Pumped::kBroken || in == Pumped::kBroken) return owner_.on_tunnel_ended();
    if (out == Pumped::kIdle && in == Pumped::kIdle) return;
    owner_.on_tunnel_progress();
  }
  reactor_.again(*this);
}

Tunnel::Pumped Tunnel::pump(Transport& from, Transport& to, Pipe& pipe) {
  bool moved = false;
  if (pipe.bytes.empty() && !pipe.ended) {
    pipe.bytes.clear();
    const Io io = from.read(pipe.bytes.room(kPipeBytes));
    if (io.status == IoStatus::kError) return Pumped::kBroken;
    if (io.status == IoStatus::kEnd) pipe.ended = true;
    if (io.bytes > 0) from.acknowledge();
    pipe.bytes.commit(io.bytes);
    moved = io.bytes > 0;
  }
  if (!pipe.bytes.empty()) {
    const Io io = to.write(pipe.bytes.view(), {});
    if (io.status == IoStatus::kError) return Pumped::kBroken;
    pipe.bytes.take(io.bytes);
    moved = moved || io.bytes > 0;
  }
  if (pipe.ended && pipe.bytes.empty() && !pipe.shut) {
    pipe.shut = true;
    to.finish();
  }
  return moved ? Pumped::kMoved : Pumped::kIdle;
}

void Tunnel::stop() {
  state_ = State::kStopped;
  if (upstream_.fd() >= 0) reactor_.forget(upstream_.fd(), *this);
}

}  // namespace lazuli::http
