// SPDX-License-Identifier: Apache-2.0
// What RFC 9112 demands of a request's head beyond its syntax.
#include <algorithm>

#include "base/strings.h"
#include "http/parser.h"

namespace lazuli::http {
namespace {

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_ip6_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
}

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 255) return false;
  if (host.front() != '[') {
    const bool empty_label =
        host.front() == '.' || host.back() == '.' || host.find("..") != host.npos;
    return !empty_label && std::all_of(host.begin(), host.end(), is_host_char);
  }
  return host.size() > 2 && host.back() == ']' &&
         std::all_of(host.begin() + 1, host.end() - 1, is_ip6_char);
}

std::optional<uint64_t> parse_length(std::string_view text) {
  const bool digits =
      !text.empty() && text.size() <= 18 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return std::nullopt;
  return static_cast<uint64_t>(*parse_int(text));
}

// §6: one way to tell where the body ends, or none at all.
std::optional<ParseError> read_framing(RequestHead& head, bool is_http10) {
  const size_t lengths = head.headers.count("Content-Length");
  const size_t codings = head.headers.count("Transfer-Encoding");
  head.chunked = codings > 0;
  head.content_length.reset();
  if (lengths + codings > 1) return ParseError{400, "the body's length is stated more than once"};
  if (codings == 1) {
    if (is_http10) return ParseError{400, "HTTP/1.0 knows no Transfer-Encoding"};
    if (!iequals(*head.headers.get("Transfer-Encoding"), "chunked")) {
      return ParseError{501, "the only Transfer-Encoding understood is chunked"};
    }
  }
  if (lengths == 1) {
    head.content_length = parse_length(*head.headers.get("Content-Length"));
    if (!head.content_length) return ParseError{400, "Content-Length is not a number"};
  }
  return std::nullopt;
}

// §3.2: absolute-form names the authority itself; it counts, not the Host field.
std::optional<ParseError> read_target(RequestHead& head, std::string& authority) {
  std::string& target = head.target;
  if (head.method == Method::kConnect) {
    authority = target;
    return std::nullopt;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!istarts_with(target, scheme)) continue;
    const size_t end = std::min(target.find_first_of("/?", scheme.size()), target.size());
    authority = target.substr(scheme.size(), end - scheme.size());
    if (authority.empty()) return ParseError{400, "the target names no host"};
    target.erase(0, end);
    if (target.empty() || target.front() == '?') target.insert(0, "/");
  }
  const bool asterisk = target == "*" && head.method == Method::kOptions;
  if (!asterisk && !target.starts_with('/')) return ParseError{400, "the target is not understood"};
  const size_t mark = target.find('?');
  head.raw_path.assign(target, 0, mark);
  head.query.clear();
  if (mark != target.npos) head.query.assign(target, mark + 1);
  return std::nullopt;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  Authority authority;
  size_t end = text.size();
  const size_t colon = text.rfind(':');
  if (colon != text.npos && text.find(']', colon) == text.npos) {
    const std::string_view digits = text.substr(colon + 1);
    if (!digits.empty()) {
      const auto port = parse_length(digits);
      if (!port || *port == 0 || *port > 65535) return std::nullopt;
      authority.port = static_cast<uint16_t>(*port);
    }
    end = colon;
  }
  authority.host = to_lower(text.substr(0, end));
  if (authority.host.size() > 1 && authority.host.back() == '.') authority.host.pop_back();
  if (!is_host(authority.host)) return std::nullopt;
  return authority;
}

std::optional<ParseError> complete_head(RequestHead& head, bool is_http10) {
  head.method = parse_method(head.method_text);
  const size_t hosts = head.headers.count("Host");
  if (hosts > 1) return ParseError{400, "more than one Host field"};
  if (hosts == 0 && !is_http10) return ParseError{400, "the Host field is missing"};
  std::string from_target;
  if (auto error = read_target(head, from_target)) return error;
  const std::string_view text =
      from_target.empty() ? head.headers.get_or("Host", "") : std::string_view(from_target);
  head.host.clear();
  head.port = head.tls ? 443 : 80;
  if (!text.empty()) {
    const auto authority = parse_authority(text);
    if (!authority) return ParseError{400, "the host is not understood"};
    head.host = authority->host;
    head.port = authority->port.value_or(head.port);
  }
  return read_framing(head, is_http10);
}

}  // namespace lazuli::http
