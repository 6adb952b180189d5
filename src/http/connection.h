// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/buffer.h"
#include "http/parser.h"
#include "http/reactor.h"
#include "http/request.h"
#include "http/server.h"
#include "http/sources.h"
#include "http/tls.h"
#include "http/transport.h"
#include "http/tunnel.h"

namespace lazuli::http {

// The pools, by class of work.
class Pools {
 public:
  explicit Pools(const ServerOptions& options);
  // For Pool::kInline this is the control pool, which does what may block after all.
  WorkerPool& of(Pool pool);
  void stop();

 private:
  WorkerPool control_;
  WorkerPool data_;
  WorkerPool inference_;
  WorkerPool background_;
};

// Bytes of request bodies that are held in memory, of all connections together. Thread-safe.
class BodyMemory {
 public:
  explicit BodyMemory(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  bool has_room(uint64_t bytes) const { return bytes_.load() + bytes <= bytes_max_; }
  void take(uint64_t bytes) { bytes_ += bytes; }
  void give(uint64_t bytes) { bytes_ -= bytes; }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> bytes_ = 0;
};

// What all connections share.
struct ServerContext {
  const ServerOptions& options;
  Application& application;
  TlsServer& tls;
  const ProxyPolicy& proxy;
  Egress& egress;
  Pools& pools;
  BodyMemory& body_memory;
  std::atomic<bool> draining = false;
};

// One client connection: a state machine on its reactor's thread.
class Connection final : public EventHandler, private Tunnel::Owner {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_closed(uint64_t id) = 0;  // forget the connection; destroy it through retire()
  };

  Connection(uint64_t id, Accepted accepted, ServerContext& context, Reactor& reactor,
             Owner& owner);
  ~Connection() override;

  void start();
  void on_events(uint32_t events) override;
  void on_deadline() override;
  void on_turn() override;
  // A job that this connection had handed over comes back.
  void on_returned(std::unique_ptr<Job> job);
  // Closes at once if no request is on its way; otherwise the response will be the last.
  void drain();
  void close();
  bool is_idle() const;

 private:
  enum class Phase {
    kSniff,  // TLS or plain HTTP?
    kHandshake,
    kHead,     // a request's head arrives, or nothing yet
    kWait,     // a thread works on the request; nothing is read
    kBody,     // the admitted body arrives
    kReply,    // the response goes out
    kDiscard,  // what the client still sends of a body is read away
    kLinger,   // nothing more is sent; the client may still be sending
    kResolve,  // a thread looks up where a tunnel goes
    kTunnel,
    kClosed,
  };

  // A step returns true if another one may follow at once.
  void advance();
  bool step();
  bool sniff();
  bool handshake();
  bool read_head();
  void begin_request();

  // Input (connection_body.cc): bytes kept from before, or fresh ones in the reactor's scratch.
  std::string_view input();
  void keep(std::string_view rest);
  bool read_straight(Buffer& into, size_t bytes_max);
  // Takes what `data` holds of the body; the rest of `data` is kept.
  bool take_body(std::string_view data, Buffer& into);
  bool read_body();
  bool read_buffered_body();
  bool read_sink_body();
  void fail_body(Error error);

  // Output (connection_reply.cc)
  void begin_reply();
  bool write_reply();
  bool flush();
  void end_reply();
  bool discard_body();
  void start_linger();
  bool linger();

  void dispatch(Request::Step step);
  void on_outcome();
  void fail(int status, std::string_view reason);
  void fail_late();
  void send_alone(std::string message);
  void hold_body(uint64_t bytes);
  void release_body();
  void set_phase(Phase phase, Duration limit);
  void touch(Duration limit);
  // While bytes flow the deadline moves on, but a client that trickles falls behind it.
  void begin_pace();
  void keep_pace(size_t bytes);
  void dispose_request();

  // CONNECT (connection_connect.cc)
  void begin_connect();
  void connect_foreign(const Authority& target);
  void on_resolved(ResolveJob& job);
  void on_tunnel_progress() override;
  void on_tunnel_failed(std::string reason) override;
  void on_tunnel_ended() override;
  void drop_tunnel();

  const uint64_t id_;
  ServerContext& context_;
  Reactor& reactor_;
  Owner& owner_;
  Transport transport_;
  const std::shared_ptr<void> source_place_;
  std::string peer_;
  bool loopback_ = false;
  Phase phase_ = Phase::kSniff;
  SteadyClock::time_point pace_begin_;
  uint64_t pace_bytes_ = 0;

  bool readable_ = true;  // the socket may have something, as far as we know
  bool ended_ = false;    // the client will send nothing more
  bool hangup_ = false;   // an end was announced: a short read does not mean "drained"
  std::string pending_;   // read but not consumed
  size_t pending_taken_ = 0;

  RequestParser parser_;
  std::unique_ptr<Request> request_;  // null while a thread has it
  bool abandoned_ = false;            // the thread took too long, its outcome is of no use
  Pool pool_ = Pool::kControl;
  const LateAnswer* late_ = nullptr;
  bool answers_head_ = false;
  bool has_turn_ = false;  // for the expensive part of the handshake
  bool head_begun_ = false;
  bool keep_alive_ = true;
  bool expects_continue_ = false;

  BodyPlan plan_;
  bool chunked_ = false;
  bool body_done_ = true;
  uint64_t body_left_ = 0;  // of a body with a stated length
  uint64_t body_received_ = 0;
  uint64_t body_held_ = 0;  // of context_.body_memory
  Buffer fill_;             // sink bytes that arrive while a thread stores others
  std::optional<Error> body_failure_;
  std::vector<std::string_view> pieces_;

  std::string out_;  // a head, or a whole small message
  size_t out_sent_ = 0;
  std::string out_text_;  // content that follows
  size_t out_text_sent_ = 0;
  Buffer out_piece_;          // or a piece of streamed content
  bool piece_ready_ = false;  // request_ holds the next one
  bool last_piece_sent_ = false;
  bool streaming_ = false;

  std::unique_ptr<Tunnel> tunnel_;
};

}  // namespace lazuli::http
