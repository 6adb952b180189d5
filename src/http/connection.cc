// SPDX-License-Identifier: Apache-2.0
#include "http/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/log.h"
#include "base/strings.h"
#include "http/encode.h"

namespace lazuli::http {
namespace {

constexpr size_t kFieldsMax = 128;
constexpr int kStepsPerRound = 64;  // then the other connections have their turn
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Pools::Pools(const ServerOptions& options)
    : control_(options.control_threads, options.queue_max),
      data_(options.data_threads, options.queue_max),
      inference_(options.inference_threads, options.queue_max),
      background_(options.background_threads, options.queue_max) {}

WorkerPool& Pools::of(Pool pool) {
  switch (pool) {
    case Pool::kInline:
    case Pool::kControl:
      return control_;
    case Pool::kData:
      return data_;
    case Pool::kInference:
      return inference_;
    case Pool::kBackground:
      return background_;
  }
  return control_;
}

void Pools::stop() {
  control_.stop();
  data_.stop();
  inference_.stop();
  background_.stop();
}

// Whoever comes by a Unix socket is told apart by the process: each job has a relay of its own.
static std::string peer_name(int fd, const SocketAddress& peer) {
  if (!peer.is_unix()) return peer.host();
  ucred process = {};
  socklen_t size = sizeof(process);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &process, &size) != 0) return peer.host();
  return cat({peer.host(), ":", std::to_string(process.pid)});
}

Connection::Connection(uint64_t id, Accepted accepted, ServerContext& context, Reactor& reactor,
                       Owner& owner)
    : id_(id),
      context_(context),
      reactor_(reactor),
      owner_(owner),
      transport_(std::move(accepted.fd)),
      source_place_(std::move(accepted.place)),
      parser_({context.options.head_bytes_max, kFieldsMax}) {
  peer_ = peer_name(transport_.fd(), accepted.peer);
  loopback_ = accepted.peer.is_loopback();
}

Connection::~Connection() { release_body(); }

void Connection::start() {
  const int on = 1;
  setsockopt(transport_.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  set_phase(Phase::kSniff, context_.options.head_timeout);
  const auto watched = reactor_.watch(transport_.fd(), *this);
  if (!watched.ok()) {
    log::warning("http", "a connection is dropped", {{"error", watched.error().message}});
    close();
  }
}

void Connection::set_phase(Phase phase, Duration limit) {
  phase_ = phase;
  touch(limit);
}

void Connection::touch(Duration limit) { reactor_.set_deadline(*this, reactor_.now() + limit); }

void Connection::begin_pace() {
  pace_begin_ = reactor_.now();
  pace_bytes_ = 0;
  touch(context_.options.body_idle_timeout);
}

void Connection::keep_pace(size_t bytes) {
  pace_bytes_ += bytes;
  const auto idle = context_.options.body_idle_timeout;
  const auto earned = std::chrono::seconds(pace_bytes_ / context_.options.bytes_per_second_min);
  reactor_.set_deadline(*this, std::min(reactor_.now() + idle, pace_begin_ + idle + earned));
}

bool Connection::is_idle() const {
  return phase_ == Phase::kSniff || (phase_ == Phase::kHead && !head_begun_);
}

void Connection::drain() {
  if (is_idle() || phase_ == Phase::kTunnel) return close();
  keep_alive_ = false;
}

void Connection::on_events(uint32_t events) {
  if (phase_ == Phase::kClosed) return;
  if ((events & (EPOLLERR | EPOLLHUP)) && phase_ != Phase::kTunnel) return close();
  if (events & EPOLLRDHUP) hangup_ = true;
  if (events & EPOLLIN) readable_ = true;
  advance();
}

void Connection::advance() {
  for (int steps = 0; steps < kStepsPerRound; ++steps) {
    if (phase_ == Phase::kClosed || !step()) return;
  }
  reactor_.again(*this);
}

bool Connection::step() {
  switch (phase_) {
    case Phase::kSniff:
      return sniff();
    case Phase::kHandshake:
      return handshake();
    case Phase::kHead:
      return read_head();
    case Phase::kBody:
      return read_body();
    case Phase::kReply:
      return write_reply();
    case Phase::kDiscard:
      return discard_body();
    case Phase::kLinger:
      return linger();
    case Phase::kTunnel:
      tunnel_->advance();
      return false;
    case Phase::kWait:
    case Phase::kResolve:
    case Phase::kClosed:
      return false;
  }
  return false;
}

void Connection::on_deadline() {
  switch (phase_) {
    case Phase::kHead:
      if (!head_begun_) return close();
      fail(408, "the head of the request did not arrive in time");
      break;
    case Phase::kBody:
      if (request_) {
        fail_body(deadline_exceeded("the request body did not arrive in time"));
      } else {
        fail_late();
      }
      break;
    case Phase::kWait:
      fail_late();
      break;
    case Phase::kResolve:
      fail(502, "the name could not be resolved in time");
      break;
    case Phase::kTunnel:
      if (tunnel_->is_open()) return close();
      fail(502, "the connection could not be made in time");
      break;
    default:
      return close();
  }
  advance();
}

bool Connection::sniff() {
  constexpr char kTlsHandshake = 0x16;
  if (!flush()) return false;  // what announced a tunnel that ends here
  const std::string_view data = input();
  if (data.empty()) {
    if (ended_) close();
    return false;
  }
  if (data.front() != kTlsHandshake || transport_.is_tls()) {
    keep(data);
    phase_ = Phase::kHead;  // the deadline runs on
    return true;
  }
  auto tls = context_.tls.accept(transport_.fd(), std::string(data),
                                 local_address(transport_.fd()).host());
  pending_.clear();
  pending_taken_ = 0;
  if (!tls.ok()) {
    log::warning("http", "no TLS", {{"error", tls.error().message}});
    close();
    return false;
  }
  transport_.start_tls(std::move(*tls));
  phase_ = Phase::kHandshake;
  reactor_.await_turn(*this);
  return false;
}

void Connection::on_turn() {
  has_turn_ = true;
  advance();
}

// The answer to a client's hello signs and derives keys: a crowd of new connections must not keep
// those that are served already waiting.
bool Connection::handshake() {
  if (!has_turn_) return false;
  switch (transport_.tls()->handshake()) {
    case IoStatus::kOk:
      phase_ = Phase::kHead;
      readable_ = true;
      return true;
    case IoStatus::kWantRead:
    case IoStatus::kWantWrite:
      return false;
    default:
      log::debug("http", "handshake failed", {{"peer", peer_}, {"why", transport_.tls()->error()}});
      close();
      return false;
  }
}

bool Connection::read_head() {
  const std::string_view data = input();
  if (data.empty()) {
    if (ended_) close();
    return false;
  }
  if (!head_begun_) {
    head_begun_ = true;
    touch(context_.options.head_timeout);
    if (!request_) request_ = std::make_unique<Request>(context_.application, reactor_, id_);
    parser_.begin(request_->exchange.head);
  }
  const Progress progress = parser_.read_head(data);
  if (progress.error) {
    fail(progress.error->status, progress.error->reason);
    return true;
  }
  keep(data.substr(progress.consumed));
  if (progress.done) begin_request();
  return true;
}

void Connection::begin_request() {
  RequestHead& head = request_->exchange.head;
  head.tls = transport_.is_tls();
  head.loopback_peer = loopback_;
  head.peer = peer_;
  request_->is_http10 = parser_.is_http10();
  if (const auto error = complete_head(head, request_->is_http10)) {
    return fail(error->status, error->reason);
  }
  if (head.method == Method::kConnect) return begin_connect();
  keep_alive_ = parser_.keep_alive() && !context_.draining;
  expects_continue_ = iequals(head.headers.get_or("Expect", ""), "100-continue");
  chunked_ = head.chunked;
  body_left_ = head.content_length.value_or(0);
  body_done_ = !head.has_body();
  body_received_ = 0;
  body_failure_.reset();
  request_->arrived.clear();
  if (!body_done_ && pending_taken_ < pending_.size()) {
    expects_continue_ = false;  // the client did not wait
    if (!take_body(input(), request_->arrived)) return;
  }
  if (!body_done_) transport_.acknowledge();
  answers_head_ = head.method == Method::kHead;
  const Application::Placement placement = context_.application.place(request_->exchange);
  pool_ = placement.pool;
  late_ = placement.late;
  request_->expires = reactor_.now() + context_.options.queue_wait_max;
  set_phase(Phase::kWait, context_.options.handler_timeout);
  request_->arrived_all = body_done_;
  dispatch(Request::Step::kAdmit);
}

// Hands the request over, or does the step here.
void Connection::dispatch(Request::Step step) {
  request_->step = step;
  const bool blocks = step == Request::Step::kPull || step == Request::Step::kDrop;
  if (pool_ == Pool::kInline && !blocks) {
    request_->work();
    return on_outcome();
  }
  WorkerPool& pool = context_.pools.of(pool_);
  if (step != Request::Step::kAdmit) return pool.resume(std::move(request_));
  auto refused = pool.submit(std::move(request_));
  if (!refused) return;
  request_.reset(static_cast<Request*>(refused.release()));
  request_->refuse();
  on_outcome();
}

void Connection::on_returned(std::unique_ptr<Job> job) {
  if (auto* resolved = dynamic_cast<ResolveJob*>(job.get())) {
    if (phase_ == Phase::kResolve) on_resolved(*resolved);
    return advance();
  }
  auto* request = dynamic_cast<Request*>(job.get());
  CHECK(request != nullptr && request_ == nullptr);
  job.release();
  request_.reset(request);
  if (abandoned_) return dispose_request();
  on_outcome();
  advance();
}

void Connection::on_outcome() {
  switch (request_->outcome) {
    case Request::Outcome::kNeedsBody:
      plan_ = request_->plan;
      if (plan_.kind == BodyPlan::Kind::kBuffer && !context_.body_memory.has_room(body_left_)) {
        request_->refuse();
        return begin_reply();
      }
      if (expects_continue_) out_ = kContinue;
      phase_ = Phase::kBody;
      return begin_pace();
    case Request::Outcome::kAppended:
      return;
    case Request::Outcome::kReply:
      return begin_reply();
    case Request::Outcome::kPiece:
      piece_ready_ = true;
      return;
    case Request::Outcome::kBroken:
      return close();
  }
}

void Connection::fail(int status, std::string_view reason) {
  send_alone(plain_response(status, cat({reason, "\n"})));
}

// A thread has the request and does not come back with it.
void Connection::fail_late() {
  constexpr int kStatus = 503;
  if (late_ == nullptr) return fail(kStatus, "the request took too long");
  const Response response = late_->late();
  send_alone(whole_response(response, answers_head_));
}

void Connection::send_alone(std::string message) {
  abandoned_ = !request_;
  dispose_request();
  drop_tunnel();
  out_ = std::move(message);
  out_sent_ = 0;
  out_text_.clear();
  out_text_sent_ = 0;
  out_piece_.clear();
  streaming_ = false;
  keep_alive_ = false;
  body_done_ = false;  // who knows what is still coming
  phase_ = Phase::kReply;
  begin_pace();
}

void Connection::hold_body(uint64_t bytes) {
  context_.body_memory.take(bytes);
  body_held_ += bytes;
}

void Connection::release_body() {
  if (body_held_ > 0) context_.body_memory.give(std::exchange(body_held_, 0));
}

void Connection::dispose_request() {
  if (!request_) return;
  if (request_->is_inert()) {
    request_.reset();
  } else {
    dispatch(Request::Step::kDrop);
  }
}

void Connection::close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  dispose_request();
  drop_tunnel();
  reactor_.forget(transport_.fd(), *this);
  owner_.on_closed(id_);
}

}  // namespace lazuli::http
