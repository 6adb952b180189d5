// SPDX-License-Identifier: Apache-2.0
// How a connection takes in what its client sends.
#include "http/connection.h"

namespace lazuli::http {
namespace {

constexpr size_t kHandOverBytes = 256 * 1024;     // worth waking a thread for
constexpr size_t kSinkBufferBytes = 1024 * 1024;  // then reading pauses
constexpr size_t kReadBytes = 64 * 1024;

}  // namespace

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
    if (!ended_) transport_.acknowledge();
    return ended_;
  }
  Buffer& arrived = request_->arrived;
  arrived.clear();
  if (!take_body(data, arrived)) return true;
  keep_pace(arrived.size());
  if (body_received_ > plan_.bytes_max) {
    fail_body(body_too_large(plan_.bytes_max));
    return true;
  }
  if (!context_.body_memory.has_room(arrived.size())) {
    fail_body(unavailable("the server has no memory for the request body; try again in a second",
                          "ServerBusy"));
    return true;
  }
  hold_body(arrived.size());
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
  const uint64_t before = body_received_;
  if (!chunked_ && pending_taken_ == pending_.size()) {
    const size_t room = kSinkBufferBytes - fill_.size();
    progress = read_straight(fill_, std::min<uint64_t>(body_left_, room));
  } else if (const std::string_view data = input(); !data.empty()) {
    if (!take_body(data, fill_)) return true;
    progress = true;
  }
  if (progress) keep_pace(body_received_ - before);
  if (body_received_ > plan_.bytes_max) fail_body(body_too_large(plan_.bytes_max));
  if (!progress && ended_) fail_body(invalid_argument("the request body ended early"));
  if (!progress && !ended_) transport_.acknowledge();
  return progress || body_failure_.has_value();
}

void Connection::fail_body(Error error) {
  body_failure_ = std::move(error);
  keep_alive_ = false;
  touch(context_.options.handler_timeout);
}

}  // namespace lazuli::http
