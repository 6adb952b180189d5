// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "http/message.h"

namespace lazuli::http {

// Where a request's work runs: on the I/O thread itself (only for what provably never blocks), or
// on the bounded thread pool of its class.
enum class Pool { kInline, kControl, kData, kInference, kBackground };

// Takes a request body as it arrives, in order, on a pool thread.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual Result<void> append(std::span<const std::byte> data) = 0;
};

// One request and its answer on the way. Created by the server; used by one thread at a time.
class Exchange {
 public:
  // What the application attaches between admit() and handle().
  struct State {
    virtual ~State() = default;
  };

  RequestHead head;
  std::string body;                // filled for BodyPlan::kBuffer
  std::unique_ptr<BodySink> sink;  // set by admit() for BodyPlan::kSink
  std::unique_ptr<State> state;    // set by place() or admit(); both end with the answer
};

// How the body is to be received, decided on the head alone.
struct BodyPlan {
  // kNone: what the client sends is not looked at, and read away if it is short.
  enum class Kind { kNone, kBuffer, kSink } kind = Kind::kNone;
  uint64_t bytes_max = 0;  // more is rejected with Code::kPayloadTooLarge
};

// What to answer where a thread does not give a request back in time, and nothing can be asked of
// the request itself. Called on I/O threads.
class LateAnswer {
 public:
  virtual ~LateAnswer() = default;
  virtual Response late() const = 0;
};

// The application behind the server. For each request: place() on the I/O thread (must not block),
// then admit() on the pool it named (authenticate, authorize; no body has been read beyond what
// came with the head), then the body is received, then handle(). admit() may answer at once. The
// server catches stray exceptions (500).
class Application {
 public:
  virtual ~Application() = default;
  struct Placement {
    Pool pool = Pool::kControl;
    const LateAnswer* late = nullptr;  // outlives the server; without it the answer is plain text
  };
  virtual Placement place(Exchange& exchange) = 0;
  struct Admission {
    std::optional<Response> response;  // set: answer this, do not read the body
    BodyPlan plan;
  };
  virtual Admission admit(Exchange& exchange) = 0;
  virtual Response handle(Exchange& exchange) = 0;
  // The body failed (too large, cut off, sink error): what to answer. Called instead of handle().
  virtual Response reject(Exchange& exchange, const Error& error) = 0;
  // A full queue, or one in which the request has waited too long: the protocol's 503 with
  // Retry-After, made without blocking. Called after place(), instead of admit() or of handle().
  virtual Response overloaded(Exchange& exchange) = 0;
};

// TLS certificates by server name; called on I/O threads, must be fast (cached) and thread-safe.
class CertificateSource {
 public:
  virtual ~CertificateSource() = default;
  struct Pem {
    std::string certificate_chain;
    SecretString private_key;
  };
  // `name` is the SNI name in lower case, or the local address when the client sent none.
  virtual Result<Pem> certificate(const std::string& name) = 0;
};

// Which CONNECT targets the server's own proxy serves.
class ProxyPolicy {
 public:
  virtual ~ProxyPolicy() = default;
  // Names of this server: the tunnel ends here.
  virtual bool is_own(const std::string& host) const = 0;
  // A parent proxy ("host:port") for foreign names, or empty: direct.
  virtual std::string parent() const = 0;
};

class Egress;

struct ServerOptions {
  std::vector<std::string> listen;  // "127.0.0.1:443", "[::1]:443", "unix:/path"
  int io_threads = 1;
  size_t control_threads = 64;
  size_t data_threads = 64;
  size_t inference_threads = 4;
  size_t background_threads = 8;
  size_t queue_max = 1024;  // per pool
  // A request that has waited longer for a thread is refused: its client has given up or will.
  Duration queue_wait_max = std::chrono::seconds(10);
  size_t connections_max = 16384;
  // From one address (IPv6: one /64 network), so that no single peer takes all connections.
  size_t connections_per_source_max = 12288;
  // Bodies in memory, of all requests together; those that do not fit are refused as overload.
  uint64_t buffered_bytes_max = uint64_t{1} << 30;
  // A peer that sends or takes less, after a grace of body_idle_timeout, is cut off.
  uint64_t bytes_per_second_min = 240;
  size_t head_bytes_max = 64 * 1024;
  Duration head_timeout = std::chrono::seconds(15);
  Duration body_idle_timeout = std::chrono::seconds(30);
  Duration keep_alive_timeout = std::chrono::seconds(75);
  Duration handler_timeout = std::chrono::minutes(10);
};

// An HTTP/1.1 server. The first byte of a connection tells TLS from plain HTTP; on plain HTTP a
// CONNECT to an own name continues as TLS on the same connection. `unix:` listeners count as
// loopback peers. Thread-safe.
class Server {
 public:
  // `egress` says where the proxy may connect to for others; it outlives the server.
  static Result<std::unique_ptr<Server>> create(ServerOptions options, Application& application,
                                                CertificateSource& certificates,
                                                const ProxyPolicy& proxy, Egress& egress);
  virtual ~Server() = default;
  // Begins to accept. The addresses really bound (a port 0 resolved), in the order of `listen`.
  virtual Result<std::vector<std::string>> start() = 0;
  // Stops accepting, lets requests in flight finish until `deadline`, then closes.
  virtual void drain(Duration deadline) = 0;
};

}  // namespace lazuli::http
