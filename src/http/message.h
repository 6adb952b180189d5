// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace lazuli::http {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kConnect, kOther };
std::string_view to_string(Method method);
Method parse_method(std::string_view text);

// Header fields in order; names compare without case.
class Headers {
 public:
  // Views into the headers, valid until they change.
  struct Field {
    std::string_view name;
    std::string_view value;
  };
  class Iterator;
  struct Range;
  std::optional<std::string_view> get(std::string_view name) const;  // the first of that name
  std::string_view get_or(std::string_view name, std::string_view fallback) const;
  bool contains(std::string_view name) const { return get(name).has_value(); }
  size_t count(std::string_view name) const;
  void set(std::string_view name, std::string_view value);  // replaces all of that name
  void add(std::string_view name, std::string_view value);
  void erase(std::string_view name);
  Range fields() const;
  size_t size() const { return places_.size(); }
  void clear();  // keeps the memory for the next message

 private:
  // All text is in one string: a message of twenty fields costs two allocations, not forty.
  struct Place {
    uint32_t name, name_size, value, value_size;
  };
  Field at(size_t index) const {
    const Place& place = places_[index];
    return {{text_.data() + place.name, place.name_size},
            {text_.data() + place.value, place.value_size}};
  }
  uint32_t append(std::string_view text);

  std::string text_;
  std::vector<Place> places_;
};

class Headers::Iterator {
 public:
  Iterator(const Headers& headers, size_t index) : headers_(&headers), index_(index) {}
  Field operator*() const { return headers_->at(index_); }
  Iterator& operator++() {
    ++index_;
    return *this;
  }
  bool operator!=(const Iterator& other) const { return index_ != other.index_; }

 private:
  const Headers* headers_;
  size_t index_;
};

struct Headers::Range {
  const Headers& headers;
  Iterator begin() const { return {headers, 0}; }
  Iterator end() const { return {headers, headers.size()}; }
};

inline Headers::Range Headers::fields() const { return {*this}; }

// The head of a request, version-neutral. `target` is as sent ("/a%20b?x=1"); `host` is the
// authority in lower case without its port, `port` the one named there or the scheme's.
struct RequestHead {
  Method method = Method::kGet;
  std::string method_text;
  std::string target;
  std::string raw_path;  // the part of target before '?', still encoded
  std::string query;     // the part after '?', still encoded
  std::string host;
  uint16_t port = 443;
  bool tls = true;
  bool loopback_peer = false;
  std::string peer;  // address of the connection's other end, for logs and limits
  Headers headers;
  std::optional<uint64_t> content_length;
  bool chunked = false;

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

// Response content that is produced as the client takes it. Called by one pool thread at a time;
// returns 0 at the end.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual Result<size_t> read(std::span<std::byte> out) = 0;
};

struct StreamBody {
  std::unique_ptr<BodySource> source;
  std::optional<uint64_t> length;  // absent: chunked
};

struct Response {
  int status = 200;
  Headers headers;
  std::variant<std::string, StreamBody> body;

  Response() = default;
  explicit Response(int status_code, std::string text = {}, std::string_view content_type = {});
  Response& header(std::string_view name, std::string_view value) & {
    headers.set(name, value);
    return *this;
  }
  Response&& header(std::string_view name, std::string_view value) && {
    headers.set(name, value);
    return std::move(*this);
  }
  const std::string& text() const { return std::get<std::string>(body); }
};

}  // namespace lazuli::http
