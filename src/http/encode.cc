// SPDX-License-Identifier: Apache-2.0
#include "http/encode.h"

#include <array>
#include <charconv>
#include <ctime>

#include "base/strings.h"
#include "base/time.h"

namespace lazuli::http {
namespace {

struct Reason {
  int status;
  std::string_view text;
};
// The most frequent first.
constexpr std::array kReasons = {
    Reason{200, "OK"},
    Reason{201, "Created"},
    Reason{202, "Accepted"},
    Reason{204, "No Content"},
    Reason{206, "Partial Content"},
    Reason{404, "Not Found"},
    Reason{100, "Continue"},
    Reason{301, "Moved Permanently"},
    Reason{302, "Found"},
    Reason{303, "See Other"},
    Reason{304, "Not Modified"},
    Reason{307, "Temporary Redirect"},
    Reason{308, "Permanent Redirect"},
    Reason{400, "Bad Request"},
    Reason{401, "Unauthorized"},
    Reason{403, "Forbidden"},
    Reason{405, "Method Not Allowed"},
    Reason{406, "Not Acceptable"},
    Reason{408, "Request Timeout"},
    Reason{409, "Conflict"},
    Reason{410, "Gone"},
    Reason{411, "Length Required"},
    Reason{412, "Precondition Failed"},
    Reason{413, "Content Too Large"},
    Reason{414, "URI Too Long"},
    Reason{415, "Unsupported Media Type"},
    Reason{416, "Range Not Satisfiable"},
    Reason{417, "Expectation Failed"},
    Reason{421, "Misdirected Request"},
    Reason{422, "Unprocessable Content"},
    Reason{424, "Failed Dependency"},
    Reason{428, "Precondition Required"},
    Reason{429, "Too Many Requests"},
    Reason{431, "Request Header Fields Too Large"},
    Reason{500, "Internal Server Error"},
    Reason{501, "Not Implemented"},
    Reason{502, "Bad Gateway"},
    Reason{503, "Service Unavailable"},
    Reason{504, "Gateway Timeout"},
    Reason{505, "HTTP Version Not Supported"},
};

// The date changes once a second, so each thread keeps its text.
std::string_view current_date() {
  thread_local std::time_t second = 0;
  thread_local std::string text;
  const std::time_t current = std::time(nullptr);
  if (current != second) {
    second = current;
    text = format_http_date(from_micros(static_cast<int64_t>(current) * 1'000'000));
  }
  return text;
}

void append_number(uint64_t number, std::string& out) {
  std::array<char, 20> digits;
  const auto written = std::to_chars(digits.begin(), digits.end(), number);
  out.append(digits.data(), written.ptr);
}

void append_value(std::string_view value, std::string& out) {
  const size_t start = out.size();
  out += value;
  for (size_t i = start; i < out.size(); ++i) {
    if (out[i] == '\r' || out[i] == '\n' || out[i] == '\0') out[i] = ' ';
  }
}

void append_field(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  out += ": ";
  append_value(value, out);
  out += "\r\n";
}

bool is_framing_field(std::string_view name) {
  switch (name.size()) {
    case 10:
      return iequals(name, "Connection") || iequals(name, "Keep-Alive");
    case 14:
      return iequals(name, "Content-Length");
    case 17:
      return iequals(name, "Transfer-Encoding");
    default:
      return false;
  }
}

}  // namespace

std::string_view reason_phrase(int status) {
  for (const Reason& reason : kReasons) {
    if (reason.status == status) return reason.text;
  }
  return status < 400 ? "OK" : "Error";
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

void encode_head(const Response& response, BodyFraming framing, bool answers_head,
                 std::string& out) {
  out += "HTTP/1.1 ";
  append_number(static_cast<uint64_t>(response.status), out);
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\n";
  bool dated = false;
  for (const Headers::Field field : response.headers.fields()) {
    // A HEAD handler may state the length of what it did not produce.
    const bool stated_length = answers_head && iequals(field.name, "Content-Length");
    if (is_framing_field(field.name) && !stated_length) continue;
    if (stated_length) framing.kind = BodyFraming::Kind::kNone;
    dated = dated || iequals(field.name, "Date");
    append_field(field.name, field.value, out);
  }
  if (!dated) append_field("Date", current_date(), out);
  if (framing.kind == BodyFraming::Kind::kLength) {
    out += "Content-Length: ";
    append_number(framing.length, out);
    out += "\r\n";
  } else if (framing.kind == BodyFraming::Kind::kChunked) {
    out += "Transfer-Encoding: chunked\r\n";
  }
}

std::string whole_response(const Response& response, bool answers_head) {
  std::string out;
  encode_head(response, {BodyFraming::Kind::kLength, response.text().size()}, answers_head, out);
  out += "Connection: close\r\n\r\n";
  if (!answers_head) out += response.text();
  return out;
}

std::string plain_response(int status, std::string_view text) {
  return whole_response(Response(status, std::string(text), "text/plain; charset=utf-8"), false);
}

}  // namespace lazuli::http
