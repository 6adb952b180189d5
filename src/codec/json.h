// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace lazuli {

// A template only because the value's type is still incomplete where the vector of members is
// named.
template <typename Value>
struct BasicJsonMember {
  std::string key;
  Value value;
  bool operator==(const BasicJsonMember& other) const = default;
};

// A JSON value that keeps the order of object members, so that an echoed document reads as sent.
// Copyable; reading from several threads is safe while nobody writes. Parsing is Boost.JSON's.
class Json {
 public:
  using Member = BasicJsonMember<Json>;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;
  struct Limits {
    size_t bytes_max = 16u << 20;
    size_t depth_max = 64;
  };

  Json() = default;
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  template <typename T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>)
  Json(T value) : value_(static_cast<int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}

  // Json::object({{"name", "a"}, {"count", 3}}), Json::array({1, 2}).
  static Json object(std::initializer_list<Member> members = {});
  static Json object(Object members);  // the keys must differ
  static Json array(std::initializer_list<Json> items = {});
  static Json array(Array items);
  static Json strings(const std::vector<std::string>& items);

  // Strict RFC 8259 and UTF-8; a duplicate key keeps its last value. Integers beyond int64 become
  // doubles, numbers beyond double are refused. The error says where.
  static Result<Json> parse(std::string_view text, const Limits& limits);
  static Result<Json> parse(std::string_view text);
  std::string dump() const;
  std::string dump_pretty() const;  // two spaces, for files people read

  bool is_null() const { return value_.index() == 0; }
  bool is_bool() const { return value_.index() == 1; }
  bool is_integer() const { return value_.index() == 2; }
  bool is_number() const { return value_.index() == 2 || value_.index() == 3; }
  bool is_string() const { return value_.index() == 4; }
  bool is_array() const { return value_.index() == 5; }
  bool is_object() const { return value_.index() == 6; }

  // Lenient readers: the fallback when the type is another.
  std::string_view str(std::string_view fallback = {}) const;
  int64_t integer(int64_t fallback = 0) const;
  double number(double fallback = 0) const;
  bool boolean(bool fallback = false) const;
  // Strings as they are, numbers and booleans as JSON writes them, else empty.
  std::string text() const;

  // Members. Looking up in anything but an object finds nothing; operator[] of a const value then
  // yields a null Json. Keys compare exactly.
  const Json* find(std::string_view key) const;
  Json* find(std::string_view key);
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  const Json& operator[](std::string_view key) const;
  const Json& operator[](const char* key) const { return (*this)[std::string_view(key)]; }
  // For writing: anything but an object becomes an empty one (a hostile document must not be able
  // to stop the process), and a missing member is added as null. Read through a const Json.
  Json& operator[](std::string_view key);
  Json& operator[](const char* key) { return (*this)[std::string_view(key)]; }
  Json& set(std::string_view key, Json value);  // returns *this
  bool erase(std::string_view key);
  const Object& members() const;  // empty for anything but an object

  // Items. `items()` is empty for anything but an array; the two that write make it an array first.
  const Array& items() const;
  Array& mutable_items();
  Json& push_back(Json value);
  size_t size() const;  // of an array or object, else 0
  bool empty() const { return size() == 0; }

  // RFC 7386.
  void merge_patch(const Json& patch);

  // The order of members does not count.
  bool operator==(const Json& other) const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

}  // namespace lazuli
