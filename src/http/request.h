// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/buffer.h"
#include "http/reactor.h"
#include "http/server.h"
#include "http/worker_pool.h"

namespace lazuli::http {

// One request on its way between its connection and the threads that work on it. Owned by exactly
// one of them at a time: the connection hands it over with a step to do and gets it back with the
// outcome.
class Request final : public Job {
 public:
  enum class Step {
    kAdmit,   // admit, and handle at once if the body is there already
    kAppend,  // give `arrived` to the sink; if it was the last, handle
    kHandle,  // the body is complete
    kReject,  // the body failed with `failure`
    kPull,    // produce the next piece of a streamed response
    kDrop,    // the connection is gone: tell the application if it waits for a body, then destroy
  };
  enum class Outcome { kNeedsBody, kAppended, kReply, kPiece, kBroken };

  Request(Application& application, Reactor& home, uint64_t connection)
      : application_(application), home_(home), connection_(connection) {}

  // Does the step and delivers itself to its reactor.
  void run(std::unique_ptr<Job> self) override;
  // Does the step on the calling thread. No exception leaves it.
  void work();

  // Takes a response that was made elsewhere.
  void answer(Response response);
  // Takes the application's answer to overload.
  void refuse();
  // Nothing is held whose destruction might block, and the application waits for nothing.
  bool is_inert() const { return !admitted && source_ == nullptr; }
  // Makes it as new for the connection's next request, keeping small storage.
  void recycle();

  Exchange exchange;
  bool is_http10 = false;
  SteadyClock::time_point expires;  // a thread that gets it later refuses it
  Step step = Step::kAdmit;
  Outcome outcome = Outcome::kNeedsBody;
  BodyPlan plan;
  bool admitted = false;  // and neither handled nor rejected yet

  // Body bytes that neither exchange.body nor the sink has got, and whether they are the last.
  Buffer arrived;
  bool arrived_all = false;
  std::optional<Error> failure;

  // The response: its head (see encode_head), a text, or pieces to be pulled.
  std::string reply_head;
  std::string reply_text;
  bool streaming = false;  // pieces are to be pulled until `stream_done`
  bool stream_done = false;
  bool until_close = false;  // the end of the connection ends the response
  Buffer piece;

 private:
  void do_step();
  void admit();
  void append();
  void handle();
  void reject(Error error);
  void reply(Response response);
  void pull();
  bool pull_piece();
  void drop();
  void fail_after(std::string_view what);
  bool too_large() const;

  Application& application_;
  Reactor& home_;
  const uint64_t connection_;
  std::unique_ptr<BodySource> source_;
  std::optional<uint64_t> source_left_;  // absent: chunked, or until the connection closes
};

Error body_too_large(uint64_t bytes_max);

}  // namespace lazuli::http
