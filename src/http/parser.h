// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace lazuli::http {

// Why a message is refused, with the status to answer.
struct ParseError {
  int status = 400;
  std::string reason;
};

struct HeadLimits {
  size_t bytes_max = 64 * 1024;
  size_t fields_max = 128;
};

// What one call of a parser did. `done`: the head (or the body) is complete; bytes behind it were
// not touched.
struct Progress {
  size_t consumed = 0;
  bool done = false;
  std::optional<ParseError> error;
};

// Reads HTTP/1 requests from bytes as they arrive. Strict: what could be understood in two ways is
// an error (RFC 9112 §11.2). One thread at a time.
class RequestParser {
 public:
  explicit RequestParser(HeadLimits limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Begins a message whose head goes into `head` (cleared; must outlive the message).
  void begin(RequestHead& head);
  // Feeds the head. When done, `head` holds method, target and fields; see complete_head().
  Progress read_head(std::string_view data);
  // Feeds a chunked body; the decoded pieces are views into `data`, valid until it changes.
  Progress read_chunked(std::string_view data, std::vector<std::string_view>& pieces);

  bool keep_alive() const;  // what version and Connection field say
  bool is_http10() const;
  struct Machine;

 private:
  std::unique_ptr<Machine> machine_;
};

// Reads one response at a time, for the client.
class ResponseParser {
 public:
  explicit ResponseParser(HeadLimits limits);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  void begin(bool answers_head_request);
  // Feeds bytes; interim (1xx) responses are skipped. Body pieces go to `body`.
  Progress read(std::string_view data, std::string& body);
  // The peer closed: true if that ends the message properly.
  bool finish();
  bool keep_alive() const;
  int status() const;
  Headers take_headers();
  struct Machine;

 private:
  std::unique_ptr<Machine> machine_;
};

// Checks a parsed head and fills what derives from it: target parts, host, port, body framing.
// `tls` gives the default port.
std::optional<ParseError> complete_head(RequestHead& head, bool is_http10);

// Splits "Host:8443", "[::1]:443", "name" into a lower-case host (a trailing dot dropped) and a
// port.
struct Authority {
  std::string host;
  std::optional<uint16_t> port;
};
std::optional<Authority> parse_authority(std::string_view text);

}  // namespace lazuli::http
