// SPDX-License-Identifier: Apache-2.0
// Requests, as the connection feeds them: whole, and in pieces. Both ways must be understood alike.
#include <algorithm>

#include "base/testing.h"
#include "http/parser.h"

namespace lazuli::http {
namespace {

struct Read {
  bool complete = false;
  int refused = 0;
  RequestHead head;
  std::string body;
  size_t consumed = 0;
};

// False once the request is refused.
bool read_body(RequestParser& parser, std::string_view rest, size_t step, Read& read) {
  std::vector<std::string_view> pieces;
  for (size_t at = 0; at < rest.size();) {
    pieces.clear();
    const Progress progress = parser.read_chunked(rest.substr(at, step), pieces);
    if (progress.error) {
      read.refused = progress.error->status;
      return false;
    }
    for (const std::string_view piece : pieces) read.body += piece;
    at += progress.consumed;
    read.consumed += progress.consumed;
    if (progress.done) {
      read.complete = true;
      return true;
    }
  }
  return true;
}

Read read_request(std::string_view data, size_t step) {
  RequestParser parser({4096, 32});
  Read read;
  parser.begin(read.head);
  for (size_t at = 0; at < data.size();) {
    const Progress progress = parser.read_head(data.substr(at, step));
    if (progress.error) {
      read.refused = progress.error->status;
      return read;
    }
    at += progress.consumed;
    read.consumed = at;
    if (!progress.done) continue;
    if (const auto error = complete_head(read.head, parser.is_http10())) {
      read.refused = error->status;
    } else if (read.head.chunked) {
      read_body(parser, data.substr(at), step, read);
    } else {
      read.complete = true;
    }
    return read;
  }
  return read;
}

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

void check_head(const RequestHead& head) {
  CHECK(!(head.chunked && head.content_length));
  CHECK(head.headers.count("Host") <= 1);
  CHECK(head.headers.count("Content-Length") + head.headers.count("Transfer-Encoding") <= 1);
  CHECK(head.host.size() <= 255 && is_clean(head.host));
  if (head.method != Method::kConnect) {
    CHECK(head.raw_path == "*" || head.raw_path.starts_with('/'));
    CHECK(is_clean(head.raw_path) && is_clean(head.query));
    CHECK(head.raw_path.find_first_of(" ?") == std::string::npos);
  }
  for (const auto& [name, value] : head.headers.fields()) CHECK(!name.empty() && is_clean(value));
}

}  // namespace

FUZZ_TARGET(http_request) {
  const auto whole = read_request(data, data.size() + 1);
  if (whole.complete) check_head(whole.head);
  CHECK(whole.consumed <= data.size());
  for (const size_t step : {size_t{1}, size_t{7}}) {
    const auto pieces = read_request(data, step);
    CHECK(pieces.complete == whole.complete);
    CHECK(pieces.refused == whole.refused);
    if (!whole.complete) continue;
    CHECK(pieces.consumed == whole.consumed && pieces.body == whole.body);
    CHECK(pieces.head.target == whole.head.target && pieces.head.host == whole.head.host);
  }
}

}  // namespace lazuli::http
