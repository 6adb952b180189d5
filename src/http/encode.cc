// SPDX-License-Identifier: Apache-2.0
#include "http/encode.h"

#include <ctime>

#include "base/strings.h"
#include "base/time.h"

namespace lazuli::http {
namespace {

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
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 424:
      return "Failed Dependency";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

void encode_head(const Response& response, BodyFraming framing, bool answers_head,
                 std::string& out) {
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\n";
  bool dated = false;
  for (const Headers::Field& field : response.headers.fields()) {
    // A HEAD handler may state the length of what it did not produce.
    const bool stated_length = answers_head && iequals(field.name, "Content-Length");
    if (is_framing_field(field.name) && !stated_length) continue;
    if (stated_length) framing.kind = BodyFraming::Kind::kNone;
    dated = dated || iequals(field.name, "Date");
    append_field(field.name, field.value, out);
  }
  if (!dated) append_field("Date", current_date(), out);
  if (framing.kind == BodyFraming::Kind::kLength) {
    append_field("Content-Length", std::to_string(framing.length), out);
  } else if (framing.kind == BodyFraming::Kind::kChunked) {
    out += "Transfer-Encoding: chunked\r\n";
  }
}

std::string plain_response(int status, std::string_view text) {
  std::string out;
  const Response response(status, {}, "text/plain; charset=utf-8");
  encode_head(response, {BodyFraming::Kind::kLength, text.size()}, false, out);
  out += "Connection: close\r\n\r\n";
  out += text;
  return out;
}

}  // namespace lazuli::http
