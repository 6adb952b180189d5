// SPDX-License-Identifier: Apache-2.0
#include "codec/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>

#include "base/strings.h"

namespace lazuli {
namespace {

// Receives Boost.JSON's events and builds a Json. Only the innermost container grows.
class Builder {
 public:
  static constexpr size_t max_object_size = size_t(-1);
  static constexpr size_t max_array_size = size_t(-1);
  static constexpr size_t max_key_size = 1u << 20;
  static constexpr size_t max_string_size = size_t(-1);
  using ErrorCode = boost::system::error_code;
  using View = boost::json::string_view;

  bool on_document_begin(ErrorCode&) { return true; }
  bool on_document_end(ErrorCode&) { return true; }
  bool on_object_begin(ErrorCode&) { return open(true); }
  bool on_object_end(size_t, ErrorCode&) { return close(true); }
  bool on_array_begin(ErrorCode&) { return open(false); }
  bool on_array_end(size_t, ErrorCode&) { return close(false); }
  bool on_key_part(View part, size_t, ErrorCode&) { return text_.append(part), true; }
  bool on_key(View part, size_t, ErrorCode&) {
    text_.append(part);
    frames_.back().key.swap(text_);
    text_.clear();
    return true;
  }
  bool on_string_part(View part, size_t, ErrorCode&) { return text_.append(part), true; }
  bool on_string(View part, size_t, ErrorCode&) {
    text_.append(part);
    std::string text;
    text.swap(text_);
    return add(Json(std::move(text)));
  }
  bool on_number_part(View, ErrorCode&) { return true; }
  bool on_int64(int64_t value, View, ErrorCode&) { return add(Json(value)); }
  bool on_uint64(uint64_t value, View, ErrorCode&) {
    return add(Json(static_cast<double>(value)));  // only values above int64 arrive here
  }
  // Boost.JSON 1.81 may miss the nearest double by one unit; the digits are all in `text`.
  bool on_double(double value, View text, ErrorCode& failure) {
    double exact = value;
    (void)std::from_chars(text.data(), text.data() + text.size(), exact);  // underflow: keeps value
    if (!std::isfinite(exact)) failure = boost::json::error::exponent_overflow;
    return std::isfinite(exact) && add(Json(exact));
  }
  bool on_bool(bool value, ErrorCode&) { return add(Json(value)); }
  bool on_null(ErrorCode&) { return add(Json()); }
  bool on_comment_part(View, ErrorCode&) { return true; }
  bool on_comment(View, ErrorCode&) { return true; }

  Json take() { return std::move(root_); }

 private:
  struct Frame {
    bool is_object;
    Json::Array items;
    Json::Object members;
    std::string key;
    std::unordered_map<std::string, size_t> index;  // of members, once there are many
  };
  static constexpr size_t kIndexFrom = 32;

  bool open(bool is_object) { return frames_.push_back({is_object, {}, {}, {}, {}}), true; }
  bool close(bool is_object) {
    Frame done = std::move(frames_.back());
    frames_.pop_back();
    return add(is_object ? Json::object(std::move(done.members))
                         : Json::array(std::move(done.items)));
  }
  bool add(Json value) {
    if (frames_.empty()) {
      root_ = std::move(value);
    } else if (frames_.back().is_object) {
      Json& place = member(frames_.back());
      place = std::move(value);
    } else {
      frames_.back().items.push_back(std::move(value));
    }
    return true;
  }
  // A linear search while the object is small; an index keeps hostile ones from costing squares.
  static Json& member(Frame& frame) {
    auto& members = frame.members;
    if (members.size() < kIndexFrom) {
      for (auto& [key, value] : members)
        if (key == frame.key) return value;
    } else {
      if (frame.index.empty())
        for (size_t i = 0; i < members.size(); ++i) frame.index.emplace(members[i].key, i);
      auto [found, added] = frame.index.emplace(frame.key, members.size());
      if (!added) return members[found->second].value;
    }
    members.push_back({std::move(frame.key), Json()});
    return members.back().value;
  }

  Json root_;
  std::vector<Frame> frames_;
  std::string text_;
};

void write_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= 0x20) {
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  out += '"';
}

template <typename T>
void write_number(std::string& out, T value) {
  char buffer[40];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string_view digits(buffer, static_cast<size_t>(end - buffer));
  out += digits;
  if constexpr (std::is_floating_point_v<T>) {
    if (digits.find_first_of(".en") == std::string_view::npos) out += ".0";
  }
}

struct Writer {
  std::string out;
  bool pretty = false;

  void newline(size_t depth) {
    if (!pretty) return;
    out += '\n';
    out.append(depth * 2, ' ');
  }
  void write(const Json& json, size_t depth) {
    if (json.is_null())
      out += "null";
    else if (json.is_bool())
      out += json.boolean() ? "true" : "false";
    else if (json.is_integer())
      write_number(out, json.integer());
    else if (json.is_number())
      write_double(json.number());
    else if (json.is_string())
      write_string(out, json.str());
    else if (json.is_array())
      write_items(json, depth);
    else
      write_members(json, depth);
  }
  void write_double(double value) {
    if (std::isfinite(value))
      write_number(out, value);
    else
      out += "null";  // JSON has no NaN or infinity
  }
  void write_items(const Json& json, size_t depth) {
    out += '[';
    bool first = true;
    for (const Json& item : json.items()) {
      if (!first) out += ',';
      first = false;
      newline(depth + 1);
      write(item, depth + 1);
    }
    if (!first) newline(depth);
    out += ']';
  }
  void write_members(const Json& json, size_t depth) {
    out += '{';
    bool first = true;
    for (const auto& [key, value] : json.members()) {
      if (!first) out += ',';
      first = false;
      newline(depth + 1);
      write_string(out, key);
      out += pretty ? ": " : ":";
      write(value, depth + 1);
    }
    if (!first) newline(depth);
    out += '}';
  }
};

const Json kNull;

}  // namespace

Json Json::object(std::initializer_list<Member> members) {
  Json json;
  json.value_.emplace<Object>(members);
  return json;
}

Json Json::object(Object members) {
  Json json;
  json.value_ = std::move(members);
  return json;
}

Json Json::array(std::initializer_list<Json> items) {
  Json json;
  json.value_ = Array(items);
  return json;
}

Json Json::array(Array items) {
  Json json;
  json.value_ = std::move(items);
  return json;
}

Json Json::strings(const std::vector<std::string>& items) {
  return array(Array(items.begin(), items.end()));
}

Result<Json> Json::parse(std::string_view text) { return parse(text, Limits{}); }

Result<Json> Json::parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes_max)
    return Error{
        Code::kPayloadTooLarge, "RequestBodyTooLarge", "the JSON document is too large", {}, {}};
  boost::json::parse_options options;
  options.max_depth = limits.depth_max;
  boost::json::basic_parser<Builder> parser(options);
  boost::system::error_code failure;
  size_t used = parser.write_some(false, text.data(), text.size(), failure);
  if (!failure && used != text.size()) failure = boost::json::error::extra_data;
  if (failure)
    return invalid_argument(
        cat({"the body is not valid JSON: ", failure.message(), " at byte ", std::to_string(used)}),
        "InvalidRequestContent");
  return parser.handler().take();
}

std::string Json::dump() const {
  Writer writer;
  writer.write(*this, 0);
  return std::move(writer.out);
}

std::string Json::dump_pretty() const {
  Writer writer{{}, true};
  writer.write(*this, 0);
  writer.out += '\n';
  return std::move(writer.out);
}

std::string_view Json::str(std::string_view fallback) const {
  const auto* text = std::get_if<std::string>(&value_);
  return text ? std::string_view(*text) : fallback;
}

int64_t Json::integer(int64_t fallback) const {
  if (const auto* value = std::get_if<int64_t>(&value_)) return *value;
  if (const auto* value = std::get_if<double>(&value_)) {
    bool fits = std::isfinite(*value) && std::abs(*value) < 9e18;
    return fits ? static_cast<int64_t>(*value) : fallback;
  }
  return fallback;
}

double Json::number(double fallback) const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  return fallback;
}

bool Json::boolean(bool fallback) const {
  const auto* value = std::get_if<bool>(&value_);
  return value ? *value : fallback;
}

std::string Json::text() const {
  if (is_string()) return std::string(str());
  if (is_bool() || is_number()) return dump();
  return {};
}

const Json* Json::find(std::string_view key) const {
  if (const auto* object = std::get_if<Object>(&value_)) {
    for (const Member& member : *object)
      if (member.key == key) return &member.value;
  }
  return nullptr;
}

Json* Json::find(std::string_view key) { return const_cast<Json*>(std::as_const(*this).find(key)); }

const Json& Json::operator[](std::string_view key) const {
  const Json* found = find(key);
  return found ? *found : kNull;
}

Json& Json::operator[](std::string_view key) {
  if (!is_object()) value_ = Object();
  if (Json* found = find(key)) return *found;
  auto& object = std::get<Object>(value_);
  object.push_back({std::string(key), Json()});
  return object.back().value;
}

Json& Json::set(std::string_view key, Json value) {
  (*this)[key] = std::move(value);
  return *this;
}

bool Json::erase(std::string_view key) {
  auto* object = std::get_if<Object>(&value_);
  return object && std::erase_if(*object, [&](const Member& m) { return m.key == key; }) > 0;
}

const Json::Object& Json::members() const {
  static const Object kEmpty;
  const auto* object = std::get_if<Object>(&value_);
  return object ? *object : kEmpty;
}

const Json::Array& Json::items() const {
  static const Array kEmpty;
  const auto* array = std::get_if<Array>(&value_);
  return array ? *array : kEmpty;
}

Json::Array& Json::mutable_items() {
  if (!is_array()) value_ = Array();
  return std::get<Array>(value_);
}

Json& Json::push_back(Json value) {
  mutable_items().push_back(std::move(value));
  return *this;
}

size_t Json::size() const { return is_array() ? items().size() : members().size(); }

void Json::merge_patch(const Json& patch) {
  if (!patch.is_object()) {
    *this = patch;
    return;
  }
  if (!is_object()) *this = object();
  for (const auto& [key, value] : patch.members()) {
    if (value.is_null())
      erase(key);
    else
      (*this)[key].merge_patch(value);
  }
}

bool Json::operator==(const Json& other) const {
  if (is_number() && other.is_number()) return number() == other.number();
  if (!is_object() || !other.is_object()) return value_ == other.value_;
  if (size() != other.size()) return false;
  for (const Member& member : members()) {
    const Json* counterpart = other.find(member.key);
    if (counterpart == nullptr || !(*counterpart == member.value)) return false;
  }
  return true;
}

}  // namespace lazuli
