// SPDX-License-Identifier: Apache-2.0
// Answers of servers that this one calls: whole, and in pieces.
#include "base/testing.h"
#include "http/parser.h"

namespace lazuli::http {
namespace {

struct Read {
  bool done = false, refused = false;
  int status = 0;
  std::string body;
};

Read read_response(std::string_view data, size_t step, bool answers_head_request) {
  ResponseParser parser({4096, 32});
  parser.begin(answers_head_request);
  Read read;
  for (size_t at = 0; at < data.size() && !read.done;) {
    const Progress progress = parser.read(data.substr(at, step), read.body);
    read.refused = progress.error.has_value();
    if (read.refused) return read;
    read.done = progress.done;
    if (!read.done && progress.consumed == 0) return read;
    at += progress.consumed;
  }
  if (!read.done) read.done = parser.finish();
  if (read.done) read.status = parser.status();
  return read;
}

}  // namespace

FUZZ_TARGET(http_response) {
  for (const bool head_only : {false, true}) {
    const auto whole = read_response(data, data.size() + 1, head_only);
    const auto pieces = read_response(data, 3, head_only);
    CHECK(whole.refused || pieces.refused || whole.done == pieces.done);
    if (whole.done && pieces.done) {
      CHECK(whole.status == pieces.status && whole.body == pieces.body);
      CHECK(!head_only || whole.body.empty());
    }
  }
}

}  // namespace lazuli::http
