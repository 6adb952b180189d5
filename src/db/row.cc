// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "db/db.h"

namespace lazuli::db {
namespace {

std::string number_text(double number) {
  char buffer[32];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  return std::string(buffer, end);
}

int64_t rounded(double number) {
  if (std::isnan(number)) return 0;
  if (number >= 0x1p63) return INT64_MAX;
  if (number < -0x1p63) return INT64_MIN;
  return static_cast<int64_t>(number);
}

}  // namespace

bool Row::is_null(size_t column) const {
  CHECK(column < values_.size());
  return std::holds_alternative<std::monostate>(values_[column]);
}

int64_t Row::integer(size_t column) const {
  CHECK(column < values_.size());
  const Value& value = values_[column];
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* number = std::get_if<double>(&value)) return rounded(*number);
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (auto integer = parse_int(*text)) return *integer;
    return rounded(parse_double(*text).value_or(0));
  }
  return 0;
}

double Row::number(size_t column) const {
  CHECK(column < values_.size());
  const Value& value = values_[column];
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* text = std::get_if<std::string>(&value)) return parse_double(*text).value_or(0);
  return 0;
}

std::string Row::text(size_t column) const {
  CHECK(column < values_.size());
  const Value& value = values_[column];
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&value)) return number_text(*number);
  if (const auto* blob = std::get_if<Blob>(&value)) return blob->bytes;
  return {};
}

std::string Row::blob(size_t column) const { return text(column); }

std::optional<int64_t> Row::optional_integer(size_t column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<std::string> Row::optional_text(size_t column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

}  // namespace lazuli::db
