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
constexpr size_t kHandOverBytes = 256 * 1024;     // worth waking a thread for
constexpr size_t kSinkBufferBytes = 1024 * 1024;  // then reading pauses
constexpr size_t kReadBytes = 64 * 1024;
constexpr uint64_t kDiscardBytesMax = 256 * 1024;  // more is not worth keeping the connection for
constexpr Duration kLingerTimeout = std::chrono::seconds(5);
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

Connection::Connection(uint64_t id, Fd fd, ServerContext& context, Reactor& reactor, Owner& owner)
    : id_(id),
      context_(context),
      reactor_(reactor),
      owner_(owner),
      transport_(std::move(fd)),
      parser_({context.options.head_bytes_max, kFieldsMax}) {
  const SocketAddress peer = peer_address(transport_.fd());
  peer_ = peer.host();
  loopback_ = peer.is_loopback();
}

Connection::~Connection() = default;

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
        fail(503, "the request took too long");
      }
      break;
    case Phase::kWait:
      fail(503, "the request took too long");
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

// Input
// --------------------------------------------------------------------------------------------

std::string_view Connection::input() {
  if (pending_taken_ < pending_.size()) return std::string_view(pending_).substr(pending_taken_);
  pending_.clear();
  pending_taken_ = 0;
  if (!readable_ || ended_) return {};
  const Io io = transport_.read(reactor_.scratch());
  if (io.drained && !hangup_) readable_ = false;
  if (io.status == IoStatus::kOk) return {reactor_.scratch().data(), io.bytes};
  if (io.status == IoStatus::kEnd || io.status == IoStatus::kError) ended_ = true;
  return {};
}

void Connection::keep(std::string_view rest) {
  const bool is_pending = pending_taken_ < pending_.size();
  if (is_pending) {
    pending_taken_ = pending_.size() - rest.size();
  } else {
    pending_.assign(rest);
    pending_taken_ = 0;
  }
}

// Reads content of known length without a detour over the scratch.
bool Connection::read_straight(Buffer& into, size_t bytes_max) {
  if (!readable_ || ended_) return false;
  const Io io = transport_.read(into.room(bytes_max));
  if (io.drained && !hangup_) readable_ = false;
  if (io.status == IoStatus::kOk) {
    into.commit(io.bytes);
    body_left_ -= io.bytes;
    body_received_ += io.bytes;
    body_done_ = body_left_ == 0;
    return true;
  }
  if (io.status == IoStatus::kEnd || io.status == IoStatus::kError) ended_ = true;
  return false;
}

bool Connection::take_body(std::string_view data, Buffer& into) {
  if (!chunked_) {
    const std::string_view part = data.substr(0, body_left_);
    into.append(part);
    body_left_ -= part.size();
    body_received_ += part.size();
    body_done_ = body_left_ == 0;
    keep(data.substr(part.size()));
    return true;
  }
  pieces_.clear();
  const Progress progress = parser_.read_chunked(data, pieces_);
  if (progress.error) {
    fail(progress.error->status, progress.error->reason);
    return false;
  }
  for (const std::string_view piece : pieces_) {
    into.append(piece);
    body_received_ += piece.size();
  }
  body_done_ = progress.done;
  keep(data.substr(progress.consumed));
  return true;
}

// Phases
// -------------------------------------------------------------------------------------------

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
  return true;
}

bool Connection::handshake() {
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
  pool_ = context_.application.place(head);
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
  request_->answer(context_.application.overloaded(request_->exchange.head));
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
      if (expects_continue_) out_ = kContinue;
      return set_phase(Phase::kBody, context_.options.body_idle_timeout);
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

bool Connection::read_body() {
  if (out_sent_ < out_.size() && !flush()) return false;
  if (body_failure_) {
    if (!request_) return false;
    request_->failure = body_failure_;
    dispatch(Request::Step::kReject);
    return phase_ != Phase::kBody;
  }
  return plan_.kind == BodyPlan::Kind::kBuffer ? read_buffered_body() : read_sink_body();
}

bool Connection::read_buffered_body() {
  const std::string_view data = input();
  if (data.empty()) {
    if (ended_) fail_body(invalid_argument("the request body ended early"));
    return ended_;
  }
  Buffer& arrived = request_->arrived;
  arrived.clear();
  if (!take_body(data, arrived)) return true;
  touch(context_.options.body_idle_timeout);
  if (body_received_ > plan_.bytes_max) {
    fail_body(body_too_large(plan_.bytes_max));
    return true;
  }
  request_->exchange.body.append(arrived.view());
  if (body_done_) {
    set_phase(Phase::kWait, context_.options.handler_timeout);
    dispatch(Request::Step::kHandle);
  }
  return true;
}

// A thread stores one buffer while the next one fills; then reading waits for the thread.
bool Connection::read_sink_body() {
  if (request_ && (body_done_ || fill_.size() >= kHandOverBytes)) {
    std::swap(request_->arrived, fill_);
    fill_.clear();
    request_->arrived_all = body_done_;
    if (body_done_) set_phase(Phase::kWait, context_.options.handler_timeout);
    dispatch(Request::Step::kAppend);
    return true;
  }
  if (body_done_ || fill_.size() + kReadBytes > kSinkBufferBytes) {
    touch(context_.options.handler_timeout);
    return false;
  }
  bool progress = false;
  if (!chunked_ && pending_taken_ == pending_.size()) {
    const size_t room = kSinkBufferBytes - fill_.size();
    progress = read_straight(fill_, std::min<uint64_t>(body_left_, room));
  } else if (const std::string_view data = input(); !data.empty()) {
    if (!take_body(data, fill_)) return true;
    progress = true;
  }
  if (progress) touch(context_.options.body_idle_timeout);
  if (body_received_ > plan_.bytes_max) fail_body(body_too_large(plan_.bytes_max));
  if (!progress && ended_) fail_body(invalid_argument("the request body ended early"));
  return progress || body_failure_.has_value();
}

void Connection::fail_body(Error error) {
  body_failure_ = std::move(error);
  keep_alive_ = false;
  touch(context_.options.handler_timeout);
}

void Connection::begin_reply() {
  if (context_.draining) keep_alive_ = false;
  // An unread body is worth reading away only if it is short, and only if it will come at all.
  const bool unread = !body_done_;
  if (unread && (expects_continue_ || chunked_ || body_left_ > kDiscardBytesMax))
    keep_alive_ = false;
  if (request_->until_close) keep_alive_ = false;
  out_.swap(request_->reply_head);
  out_sent_ = 0;
  if (!keep_alive_) {
    out_ += "Connection: close\r\n";
  } else if (request_->is_http10) {
    out_ += "Connection: keep-alive\r\n";
  }
  out_ += "\r\n";
  out_text_.swap(request_->reply_text);
  out_text_sent_ = 0;
  streaming_ = request_->streaming;
  piece_ready_ = streaming_;
  last_piece_sent_ = false;
  discarded_ = 0;
  set_phase(Phase::kReply, context_.options.body_idle_timeout);
}

bool Connection::write_reply() {
  if (piece_ready_ && out_piece_.empty() && request_) {
    std::swap(out_piece_, request_->piece);
    piece_ready_ = false;
    last_piece_sent_ = request_->stream_done;
    if (!last_piece_sent_) dispatch(Request::Step::kPull);  // meanwhile this one is sent
  }
  if (!flush()) return false;
  if (streaming_ && !last_piece_sent_) {
    touch(context_.options.handler_timeout);
    return piece_ready_;
  }
  end_reply();
  return phase_ != Phase::kClosed;
}

// Sends what is queued; false while the client does not take it.
bool Connection::flush() {
  while (true) {
    const std::string_view first = std::string_view(out_).substr(out_sent_);
    const std::string_view second =
        out_piece_.empty() ? std::string_view(out_text_).substr(out_text_sent_) : out_piece_.view();
    if (first.empty() && second.empty()) return true;
    const Io io = transport_.write(first, second);
    if (io.status == IoStatus::kError || io.status == IoStatus::kEnd) {
      close();
      return false;
    }
    if (io.status != IoStatus::kOk) return false;
    touch(context_.options.body_idle_timeout);
    const size_t from_first = std::min(io.bytes, first.size());
    out_sent_ += from_first;
    if (out_piece_.empty()) {
      out_text_sent_ += io.bytes - from_first;
    } else {
      out_piece_.take(io.bytes - from_first);
    }
  }
}

void Connection::end_reply() {
  out_.clear();
  out_text_.clear();
  out_sent_ = out_text_sent_ = 0;
  out_piece_.clear();
  const bool unread = pending_taken_ < pending_.size();
  if (!keep_alive_ || (ended_ && !unread)) {
    if (!body_done_ || unread) return start_linger();
    transport_.finish();
    return close();
  }
  if (!body_done_) return set_phase(Phase::kDiscard, context_.options.body_idle_timeout);
  request_->recycle();
  head_begun_ = false;
  set_phase(Phase::kHead, context_.options.keep_alive_timeout);
}

bool Connection::discard_body() {
  const std::string_view data = input();
  if (data.empty()) {
    if (ended_) close();
    return false;
  }
  const std::string_view part = data.substr(0, body_left_);
  body_left_ -= part.size();
  body_done_ = body_left_ == 0;
  keep(data.substr(part.size()));
  if (body_done_) end_reply();
  return true;
}

// A close with unread input would make the kernel reset the connection, and the client could lose
// the response.
void Connection::start_linger() {
  transport_.finish();
  pending_.clear();
  pending_taken_ = 0;
  readable_ = true;
  set_phase(Phase::kLinger, kLingerTimeout);
}

bool Connection::linger() {
  const Io io = transport_.discard(reactor_.scratch());
  if (io.status == IoStatus::kOk) return true;
  if (io.status != IoStatus::kWantRead) close();
  return false;
}

void Connection::fail(int status, std::string_view reason) {
  abandoned_ = !request_;
  dispose_request();
  drop_tunnel();
  out_ = plain_response(status, cat({reason, "\n"}));
  out_sent_ = 0;
  out_text_.clear();
  out_text_sent_ = 0;
  out_piece_.clear();
  streaming_ = false;
  keep_alive_ = false;
  body_done_ = false;  // who knows what is still coming
  set_phase(Phase::kReply, context_.options.body_idle_timeout);
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
