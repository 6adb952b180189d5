// SPDX-License-Identifier: Apache-2.0
// How a connection sends a response, and what happens to it afterwards.
#include "http/connection.h"

namespace lazuli::http {
namespace {

constexpr uint64_t kDiscardBytesMax = 256 * 1024;  // more is not worth keeping the connection for
constexpr Duration kLingerTimeout = std::chrono::seconds(5);

}  // namespace

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
  phase_ = Phase::kReply;
  begin_pace();
}

bool Connection::write_reply() {
  if (piece_ready_ && out_piece_.empty() && request_) {
    std::swap(out_piece_, request_->piece);
    piece_ready_ = false;
    last_piece_sent_ = request_->stream_done;
    begin_pace();  // the time that the source took is not the client's
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
    keep_pace(io.bytes);
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
  if (!body_done_) {
    phase_ = Phase::kDiscard;
    return begin_pace();
  }
  release_body();
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
  keep_pace(part.size());
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

}  // namespace lazuli::http
