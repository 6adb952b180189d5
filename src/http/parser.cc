// SPDX-License-Identifier: Apache-2.0
#include "http/parser.h"

#include <llhttp.h>

#include "base/check.h"
#include "base/strings.h"

namespace lazuli::http {
namespace {

constexpr std::string_view kVersions = "only HTTP/1.0 and HTTP/1.1 are spoken here";

// Collects header fields while llhttp hands out their pieces.
struct FieldCollector {
  Headers* headers = nullptr;
  std::string name;
  std::string value;
  size_t count = 0;

  void clear() {
    name.clear();
    value.clear();
    count = 0;
  }
  void finish_field() {
    headers->add(name, trim(value));
    name.clear();
    value.clear();
    ++count;
  }
};

// The fields of a head go to the machine's collector; those after the body are trailers, which
// nobody asked for.
template <typename Machine>
void collect_fields(llhttp_settings_t& settings) {
  settings.on_header_field = [](llhttp_t* p, const char* at, size_t size) {
    if (!Machine::of(p).in_body) Machine::of(p).fields.name.append(at, size);
    return 0;
  };
  settings.on_header_value = [](llhttp_t* p, const char* at, size_t size) {
    if (!Machine::of(p).in_body) Machine::of(p).fields.value.append(at, size);
    return 0;
  };
  settings.on_header_value_complete = [](llhttp_t* p) {
    if (!Machine::of(p).in_body) Machine::of(p).fields.finish_field();
    return 0;
  };
}

ParseError refuse(const llhttp_t& parser, llhttp_errno_t code) {
  if (code == HPE_INVALID_VERSION) return {505, std::string(kVersions)};
  const char* reason = llhttp_get_error_reason(&parser);
  return {400, cat({"malformed request: ", reason == nullptr ? "" : reason})};
}

size_t consumed_until(const llhttp_t& parser, std::string_view data) {
  const char* position = llhttp_get_error_pos(&parser);
  return position == nullptr ? data.size() : static_cast<size_t>(position - data.data());
}

}  // namespace

struct RequestParser::Machine {
  llhttp_t parser = {};
  llhttp_settings_t settings = {};
  HeadLimits limits;
  RequestHead* head = nullptr;
  FieldCollector fields;
  size_t bytes = 0;      // of the head, later of what frames the body
  bool in_body = false;  // fields are trailers now, which nobody asked for
  std::vector<std::string_view>* pieces = nullptr;

  explicit Machine(HeadLimits head_limits) : limits(head_limits) {
    llhttp_settings_init(&settings);
    settings.on_method = [](llhttp_t* p, const char* at, size_t size) {
      of(p).head->method_text.append(at, size);
      return 0;
    };
    settings.on_url = [](llhttp_t* p, const char* at, size_t size) {
      of(p).head->target.append(at, size);
      return 0;
    };
    collect_fields<Machine>(settings);
    settings.on_headers_complete = [](llhttp_t* p) {
      p->upgrade = p->method == HTTP_CONNECT;  // offers of other protocols are not taken up
      return static_cast<int>(HPE_PAUSED);
    };
    settings.on_body = [](llhttp_t* p, const char* at, size_t size) {
      if (of(p).pieces != nullptr) of(p).pieces->push_back({at, size});
      return 0;
    };
    settings.on_message_complete = [](llhttp_t*) { return static_cast<int>(HPE_PAUSED); };
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = this;
  }

  static Machine& of(llhttp_t* p) { return *static_cast<Machine*>(p->data); }
};

RequestParser::RequestParser(HeadLimits limits) : machine_(std::make_unique<Machine>(limits)) {}
RequestParser::~RequestParser() = default;

void RequestParser::begin(RequestHead& head) {
  Machine& machine = *machine_;
  llhttp_reset(&machine.parser);
  head.method_text.clear();
  head.target.clear();
  head.headers.clear();
  machine.head = &head;
  machine.fields.clear();
  machine.fields.headers = &head.headers;
  machine.bytes = 0;
  machine.in_body = false;
}

Progress RequestParser::read_head(std::string_view data) {
  Machine& machine = *machine_;
  const size_t room = machine.limits.bytes_max - machine.bytes;
  const std::string_view part = data.substr(0, room);
  const llhttp_errno_t code = llhttp_execute(&machine.parser, part.data(), part.size());
  if (code == HPE_PAUSED) {
    machine.in_body = true;
    machine.bytes = 0;
    if (machine.parser.http_major != 1 || machine.parser.http_minor > 1) {
      return {0, false, ParseError{505, std::string(kVersions)}};
    }
    if (machine.fields.count > machine.limits.fields_max) {
      return {0, false, ParseError{431, "too many header fields"}};
    }
    return {consumed_until(machine.parser, part), true, std::nullopt};
  }
  if (code != HPE_OK) return {0, false, refuse(machine.parser, code)};
  machine.bytes += part.size();
  if (machine.bytes >= machine.limits.bytes_max) {
    return {0, false, ParseError{431, "the head of the request is too large"}};
  }
  return {part.size(), false, std::nullopt};
}

Progress RequestParser::read_chunked(std::string_view data, std::vector<std::string_view>& pieces) {
  Machine& machine = *machine_;
  const size_t before = pieces.size();
  machine.pieces = &pieces;
  llhttp_resume(&machine.parser);
  const llhttp_errno_t code = llhttp_execute(&machine.parser, data.data(), data.size());
  machine.pieces = nullptr;
  if (code != HPE_OK && code != HPE_PAUSED) return {0, false, refuse(machine.parser, code)};
  const size_t consumed = code == HPE_PAUSED ? consumed_until(machine.parser, data) : data.size();
  // Chunk extensions and trailers could go on for ever without a byte of content.
  size_t content = 0;
  for (size_t i = before; i < pieces.size(); ++i) content += pieces[i].size();
  machine.bytes = content > 0 ? 0 : machine.bytes + consumed;
  if (machine.bytes > machine.limits.bytes_max) {
    return {0, false, ParseError{431, "chunk extensions or trailers are too large"}};
  }
  return {consumed, code == HPE_PAUSED, std::nullopt};
}

bool RequestParser::keep_alive() const { return llhttp_should_keep_alive(&machine_->parser) == 1; }

bool RequestParser::is_http10() const {
  return machine_->parser.http_major == 1 && machine_->parser.http_minor == 0;
}

struct ResponseParser::Machine {
  llhttp_t parser = {};
  llhttp_settings_t settings = {};
  HeadLimits limits;
  Headers headers;
  FieldCollector fields;
  size_t head_bytes = 0;
  bool in_body = false;
  bool head_only = false;
  bool complete = false;
  bool keep = false;
  int status = 0;
  std::string* body = nullptr;

  explicit Machine(HeadLimits head_limits) : limits(head_limits) {
    fields.headers = &headers;
    llhttp_settings_init(&settings);
    collect_fields<Machine>(settings);
    settings.on_headers_complete = [](llhttp_t* p) {
      of(p).in_body = true;
      of(p).status = p->status_code;
      of(p).keep = llhttp_should_keep_alive(p) == 1;
      return of(p).head_only ? 1 : 0;
    };
    settings.on_body = [](llhttp_t* p, const char* at, size_t size) {
      of(p).body->append(at, size);
      return 0;
    };
    settings.on_message_complete = [](llhttp_t* p) { return of(p).message_complete(); };
    llhttp_init(&parser, HTTP_RESPONSE, &settings);
    parser.data = this;
  }

  int message_complete() {
    if (status / 100 == 1) {  // 100 Continue and its like come before the answer
      in_body = false;
      headers.clear();
      fields.clear();
      return 0;
    }
    complete = true;
    return HPE_PAUSED;
  }

  static Machine& of(llhttp_t* p) { return *static_cast<Machine*>(p->data); }
};

ResponseParser::ResponseParser(HeadLimits limits) : machine_(std::make_unique<Machine>(limits)) {}
ResponseParser::~ResponseParser() = default;

void ResponseParser::begin(bool answers_head_request) {
  Machine& machine = *machine_;
  llhttp_reset(&machine.parser);
  machine.headers.clear();
  machine.fields.clear();
  machine.head_bytes = 0;
  machine.in_body = false;
  machine.complete = false;
  machine.head_only = answers_head_request;
}

Progress ResponseParser::read(std::string_view data, std::string& body) {
  Machine& machine = *machine_;
  machine.body = &body;
  const llhttp_errno_t code = llhttp_execute(&machine.parser, data.data(), data.size());
  machine.body = nullptr;
  if (code != HPE_OK && code != HPE_PAUSED) {
    const char* reason = llhttp_get_error_reason(&machine.parser);
    return {0, false, ParseError{502, cat({"malformed response: ", reason ? reason : ""})}};
  }
  if (!machine.in_body) machine.head_bytes += data.size();
  if (machine.head_bytes > machine.limits.bytes_max ||
      machine.fields.count > machine.limits.fields_max) {
    return {0, false, ParseError{502, "the head of the response is too large"}};
  }
  const size_t consumed = code == HPE_PAUSED ? consumed_until(machine.parser, data) : data.size();
  return {consumed, machine.complete, std::nullopt};
}

bool ResponseParser::finish() {
  const llhttp_errno_t code = llhttp_finish(&machine_->parser);
  return machine_->complete && (code == HPE_OK || code == HPE_PAUSED);
}

bool ResponseParser::keep_alive() const { return machine_->keep; }
int ResponseParser::status() const { return machine_->status; }
Headers ResponseParser::take_headers() { return std::move(machine_->headers); }

}  // namespace lazuli::http
