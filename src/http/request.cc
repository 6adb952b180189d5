// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#include <cstdio>
#include <exception>

#include "base/log.h"
#include "http/encode.h"
#include "http/url.h"

namespace lazuli::http {
namespace {

constexpr size_t kPieceBytes = 256 * 1024;
constexpr size_t kChunkPrefix = 10;  // eight hexadecimal digits and a line break

constexpr size_t kKeptBytes = 16 * 1024;  // of a buffer, between two requests

}  // namespace

Error body_too_large(uint64_t bytes_max) {
  Error error;
  error.code = Code::kPayloadTooLarge;
  error.wire_code = "RequestBodyTooLarge";
  error.message = "the request body is larger than " + std::to_string(bytes_max) + " bytes";
  return error;
}

void Request::run(std::unique_ptr<Job> self) {
  if (step == Step::kAdmit && SteadyClock::now() > expires) {
    refuse();
  } else {
    work();
  }
  if (step != Step::kDrop) home_.deliver(connection_, std::move(self));
}

void Request::work() {
  try {
    do_step();
  } catch (const std::exception& error) {
    fail_after(error.what());
  } catch (...) {
    fail_after("not a std::exception");
  }
}

void Request::fail_after(std::string_view what) {
  log::error("http", "a handler threw",
             {{"target", loggable_path(exchange.head.raw_path)}, {"what", what}});
  if (step == Step::kPull) {
    outcome = Outcome::kBroken;
    return;
  }
  answer(Response(500, "internal error", "text/plain"));
}

void Request::answer(Response response) {
  admitted = false;
  streaming = false;
  reply(std::move(response));
}

void Request::refuse() { answer(application_.overloaded(exchange)); }

void Request::recycle() {
  exchange.body.clear();
  if (exchange.body.capacity() > kKeptBytes) exchange.body = {};
  exchange.sink.reset();
  exchange.state.reset();
  plan = {};
  arrived.shrink(kKeptBytes);
  piece.shrink(kKeptBytes);
  arrived_all = false;
  failure.reset();
  streaming = stream_done = until_close = false;
  source_.reset();
  source_left_.reset();
}

void Request::do_step() {
  switch (step) {
    case Step::kAdmit:
      return admit();
    case Step::kAppend:
      return append();
    case Step::kHandle:
      return handle();
    case Step::kReject:
      return reject(*failure);
    case Step::kPull:
      return pull();
    case Step::kDrop:
      return drop();
  }
}

void Request::admit() {
  Application::Admission admission = application_.admit(exchange);
  if (admission.response) return reply(std::move(*admission.response));
  admitted = true;
  plan = admission.plan;
  if (plan.kind == BodyPlan::Kind::kNone) return handle();
  if (too_large()) return reject(body_too_large(plan.bytes_max));
  if (plan.kind == BodyPlan::Kind::kSink) return append();
  exchange.body.assign(arrived.view());
  arrived.clear();
  if (arrived_all) return handle();
  outcome = Outcome::kNeedsBody;
}

bool Request::too_large() const {
  return std::max<uint64_t>(exchange.head.content_length.value_or(0), arrived.size()) >
         plan.bytes_max;
}

void Request::append() {
  const std::string_view bytes = arrived.view();
  if (!bytes.empty()) {
    const Result<void> appended =
        exchange.sink->append(std::as_bytes(std::span(bytes.data(), bytes.size())));
    arrived.clear();
    if (!appended.ok()) return reject(appended.error());
  }
  if (arrived_all) return handle();
  outcome = step == Step::kAdmit ? Outcome::kNeedsBody : Outcome::kAppended;
}

void Request::handle() {
  admitted = false;
  reply(application_.handle(exchange));
}

void Request::reject(Error error) {
  admitted = false;
  reply(application_.reject(exchange, error));
}

void Request::drop() {
  if (!admitted) return;
  admitted = false;
  application_.reject(exchange, failure.value_or(unavailable("the client went away")));
}

void Request::reply(Response response) {
  // Both may own files; they go here rather than on the thread that serves sockets.
  exchange.sink.reset();
  exchange.state.reset();
  const bool answers_head = exchange.head.method == Method::kHead;
  const bool body = !answers_head && may_have_body(response.status);
  BodyFraming framing;
  reply_head.clear();
  reply_text.clear();
  if (auto* text = std::get_if<std::string>(&response.body)) {
    if (may_have_body(response.status)) framing = {BodyFraming::Kind::kLength, text->size()};
    encode_head(response, framing, answers_head, reply_head);
    if (body) reply_text = std::move(*text);
    outcome = Outcome::kReply;
    return;
  }
  auto& stream = std::get<StreamBody>(response.body);
  source_left_ = stream.length;
  if (stream.length) {
    framing = {BodyFraming::Kind::kLength, *stream.length};
  } else {
    framing.kind = is_http10 ? BodyFraming::Kind::kUntilClose : BodyFraming::Kind::kChunked;
  }
  if (!may_have_body(response.status)) framing.kind = BodyFraming::Kind::kNone;
  encode_head(response, framing, answers_head, reply_head);
  until_close = body && framing.kind == BodyFraming::Kind::kUntilClose;
  streaming = body && stream.length.value_or(1) > 0;
  if (streaming) {
    source_ = std::move(stream.source);
    pull();
    if (outcome == Outcome::kBroken) {  // nothing has been sent, so this can still be said
      streaming = false;
      return reply(Response(500, "the content could not be read", "text/plain"));
    }
  }
  outcome = Outcome::kReply;
}

void Request::pull() {
  outcome = pull_piece() ? Outcome::kPiece : Outcome::kBroken;
  if (outcome == Outcome::kBroken || stream_done) source_.reset();
}

// A source that fails or ends early leaves the response cut off, which the client must notice.
bool Request::pull_piece() {
  const bool chunked = !source_left_ && !until_close;
  const size_t prefix = chunked ? kChunkPrefix : 0;
  const size_t wanted = std::min<uint64_t>(kPieceBytes, source_left_.value_or(kPieceBytes));
  piece.clear();
  const std::span<char> room = piece.room(prefix + wanted + 2);
  const Result<size_t> read = source_->read(std::as_writable_bytes(room.subspan(prefix, wanted)));
  if (!read.ok() || *read > wanted) {
    log::warning("http", "a response broke off",
                 {{"target", loggable_path(exchange.head.raw_path)},
                  {"error", read.ok() ? "more bytes than were asked for" : read.error().message}});
    return false;
  }
  if (source_left_) {
    *source_left_ -= *read;
    stream_done = *source_left_ == 0;
    piece.commit(*read);
    if (*read == 0)
      log::warning("http", "a response is too short",
                   {{"target", loggable_path(exchange.head.raw_path)}});
    return *read > 0;
  }
  stream_done = *read == 0;
  if (!chunked) {
    piece.commit(*read);
  } else if (stream_done) {
    piece.append("0\r\n\r\n");
  } else {
    char text[kChunkPrefix + 1];
    std::snprintf(text, sizeof(text), "%08zx\r\n", *read);
    std::memcpy(room.data(), text, prefix);
    piece.commit(prefix + *read);
    piece.append("\r\n");
  }
  return true;
}

}  // namespace lazuli::http
