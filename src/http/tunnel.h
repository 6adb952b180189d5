// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/buffer.h"
#include "http/egress.h"
#include "http/reactor.h"
#include "http/socket.h"
#include "http/transport.h"
#include "http/worker_pool.h"

namespace lazuli::http {

// Looks up where a tunnel goes, on a pool thread.
class ResolveJob final : public Job {
 public:
  struct Target {
    std::string host;
    uint16_t port = 0;
    std::string parent;  // "host:port", or empty
  };
  ResolveJob(Egress& egress, Reactor& home, uint64_t connection, Target target)
      : egress_(egress), home_(home), connection_(connection), target_(std::move(target)) {}
  void run(std::unique_ptr<Job> self) override;
  const Target& target() const { return target_; }
  Result<std::vector<SocketAddress>>& addresses() { return addresses_; }

 private:
  Egress& egress_;
  Reactor& home_;
  const uint64_t connection_;
  const Target target_;
  Result<std::vector<SocketAddress>> addresses_ = unavailable("not looked up");
};

// Carries bytes between a client and another server, and first makes that connection. On the
// reactor's thread.
class Tunnel final : public EventHandler {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_tunnel_progress() = 0;                  // bytes moved
    virtual void on_tunnel_failed(std::string reason) = 0;  // before anything was sent
    virtual void on_tunnel_ended() = 0;
  };

  // `early` is what the client has already sent into the tunnel.
  Tunnel(Reactor& reactor, Transport& client, Owner& owner, ResolveJob::Target target,
         std::vector<SocketAddress> addresses, std::string_view early);
  void begin();    // tries the first address
  void advance();  // moves what can be moved
  void stop();     // before it is destroyed
  bool is_open() const { return state_ == State::kOpen; }

  void on_events(uint32_t events) override;
  void on_deadline() override {}

 private:
  enum class State { kConnecting, kAsking, kOpen, kStopped };
  struct Pipe {
    Buffer bytes;
    bool ended = false;  // the source will send no more
    bool shut = false;   // and the target has been told
  };
  enum class Pumped { kIdle, kMoved, kBroken };

  void try_next(std::string reason);
  void on_connected();
  void ask_parent();
  Pumped pump(Transport& from, Transport& to, Pipe& pipe);

  Reactor& reactor_;
  Transport& client_;
  Owner& owner_;
  const ResolveJob::Target target_;
  std::vector<SocketAddress> addresses_;
  size_t next_address_ = 0;
  State state_ = State::kConnecting;
  Transport upstream_{Fd()};
  Pipe outward_;
  Pipe inward_;
  std::string answer_;  // of the parent
};

}  // namespace lazuli::http
