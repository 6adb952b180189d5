// SPDX-License-Identifier: Apache-2.0
#include "db/postgres_value.h"

#include <charconv>
#include <cmath>

#include "base/strings.h"

namespace lazuli::db {
namespace {

// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/catalog/pg_type.dat
constexpr unsigned kBool = 16, kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23, kFloat4 = 700,
                   kFloat8 = 701, kNumeric = 1700;

std::string number_text(double number) {
  char buffer[32];
  return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
}

double to_double(std::string_view text) {
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

int hex_digit(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

Blob from_hex(std::string_view text) {
  Blob blob;
  if (text.starts_with("\\x")) text.remove_prefix(2);
  blob.bytes.reserve(text.size() / 2);
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    blob.bytes += static_cast<char>(hex_digit(text[i]) << 4 | hex_digit(text[i + 1]));
  }
  return blob;
}

}  // namespace

PostgresParams::PostgresParams(Params params) {
  numbers_.reserve(params.size());  // pointers into it must stay good
  for (size_t i = 0; i < params.size(); ++i) {
    const Value& value = params[i];
    const auto* number = std::get_if<double>(&value);
    if (const auto* text = std::get_if<std::string>(&value)) {
      add(text->c_str(), text->size(), false);
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      add(blob->bytes.c_str(), blob->bytes.size(), true);
    } else if (std::holds_alternative<std::monostate>(value) || (number && std::isnan(*number))) {
      add(nullptr, 0, false);
    } else {
      const auto& printed = numbers_.emplace_back(
          number ? number_text(*number) : std::to_string(std::get<int64_t>(value)));
      add(printed.c_str(), printed.size(), false);
    }
  }
}

void PostgresParams::add(const char* data, size_t size, bool binary) {
  values_.push_back(data);
  lengths_.push_back(static_cast<int>(size));
  formats_.push_back(binary ? 1 : 0);
}

Value postgres_value(std::string_view text, unsigned type) {
  switch (type) {
    case kBool:
      return int64_t{text == "t"};
    case kInt2:
    case kInt4:
    case kInt8:
      return parse_int(text).value_or(0);
    case kFloat4:
    case kFloat8:
      return to_double(text);
    case kNumeric:  // what SUM and AVG of integers give
      if (auto integer = parse_int(text)) return *integer;
      return to_double(text);
    case kBytea:
      return from_hex(text);
    default:
      return std::string(text);
  }
}

}  // namespace lazuli::db
