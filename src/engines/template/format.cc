// SPDX-License-Identifier: Apache-2.0
#include "engines/template/format.h"

#include <cmath>

#include "base/strings.h"
#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

constexpr int64_t kWidthMax = 1024;

std::string grouped(std::string digits) {
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

// Half away from zero, as .NET rounds when it formats.
std::string fixed(double value, int places, bool group) {
  char buffer[400];
  const double scale = std::pow(10.0, places);
  if (std::fabs(value) < 1e15 / scale) value = std::round(value * scale) / scale;
  std::snprintf(buffer, sizeof buffer, "%.*f", places, std::fabs(value));
  std::string text = buffer;
  if (group) {
    const size_t point = std::min(text.find('.'), text.size());
    text = grouped(text.substr(0, point)) + text.substr(point);
  }
  return value < 0 ? "-" + text : text;
}

std::string hexadecimal(int64_t value, int digits, bool upper) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, upper ? "%0*llX" : "%0*llx", digits,
                static_cast<unsigned long long>(value));
  return buffer;
}

std::string decimal(int64_t value, int digits) {
  std::string text = std::to_string(value);
  const bool negative = text.front() == '-';
  if (negative) text.erase(0, 1);
  while (text.size() < static_cast<size_t>(digits)) text.insert(0, "0");
  return negative ? "-" + text : text;
}

// "000", "#,##0.00": at least as many digits as there are zeros.
std::string patterned(double value, std::string_view pattern) {
  const size_t point = std::min(pattern.find('.'), pattern.size());
  const std::string_view whole = pattern.substr(0, point);
  const std::string_view part = point < pattern.size() ? pattern.substr(point + 1) : "";
  size_t zeros = 0, part_zeros = 0;
  for (char c : whole) zeros += c == '0' ? 1 : 0;
  for (char c : part) part_zeros += c == '0' ? 1 : 0;
  std::string text = fixed(std::fabs(value), static_cast<int>(part.size()), false);
  std::string front = text.substr(0, std::min(text.find('.'), text.size()));
  std::string back = text.size() > front.size() ? text.substr(front.size() + 1) : "";
  while (back.size() > part_zeros && back.ends_with('0')) back.pop_back();
  if (front == "0" && zeros == 0) front.clear();
  while (front.size() < zeros) front.insert(0, "0");
  if (whole.find(',') != whole.npos) front = grouped(front);
  return cat({value < 0 ? "-" : "", front, back.empty() ? "" : ".", back});
}

std::string exponent(double value, int places, bool upper) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, upper ? "%.*E" : "%.*e", places, value);
  std::string text = buffer;
  size_t sign = text.find_first_of("+-", text.find_first_of("eE"));
  while (text.size() - sign - 1 < 3) text.insert(sign + 1, "0");  // .NET: three digits
  return text;
}

Result<std::string> format_number(const Json& value, std::string_view spec) {
  const char kind = spec.front();
  const auto digits = parse_int(spec.substr(1));
  const bool standard = spec.size() == 1 || (digits && *digits >= 0 && *digits <= 99);
  const int places = digits ? static_cast<int>(*digits) : -1;
  const double number = value.number();
  if (!standard || kind == '0' || kind == '#') return patterned(number, spec.substr(0, 40));
  switch (kind | 0x20) {
    case 'd':
      if (!value.is_integer()) break;
      return decimal(value.integer(), std::max(places, 1));
    case 'x':
      if (!value.is_integer()) break;
      return hexadecimal(value.integer(), std::max(places, 1), kind == 'X');
    case 'n':
      return fixed(number, places < 0 ? 2 : places, true);
    case 'f':
      return fixed(number, places < 0 ? 2 : places, false);
    case 'p':
      return fixed(number * 100, places < 0 ? 2 : places, true) + " %";
    case 'c':
      return cat({number < 0 ? "(" : "", "\xC2\xA4",
                  fixed(std::fabs(number), places < 0 ? 2 : places, true), number < 0 ? ")" : ""});
    case 'e':
      return exponent(number, places < 0 ? 6 : places, kind == 'E');
    case 'g':
      return value.dump();
    default:
      break;
  }
  return template_error(cat({"'", spec, "' is no format for this number."}));
}

// Objects and arrays as the language writes them: JSON with single quotes.
std::string quoted(const Json& value) {
  if (value.is_string()) return cat({"'", replace_all(value.str(), "'", "\\'"), "'"});
  std::string out;
  if (value.is_array()) {
    for (const Json& item : value.items()) out += (out.empty() ? "" : ",") + quoted(item);
    return cat({"[", out, "]"});
  }
  if (!value.is_object()) return value.dump();
  for (const Json::Member& each : value.members())
    out += cat({out.empty() ? "" : ",", "'", each.key, "':", quoted(each.value)});
  return cat({"{", out, "}"});
}

struct Hole {
  size_t index = 0;
  int64_t width = 0;
  std::string_view spec;
};

Result<Hole> parse_hole(std::string_view text) {
  Error bad = template_error("The format string is not valid.");
  Hole hole;
  if (size_t colon = text.find(':'); colon != text.npos) {
    hole.spec = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  if (size_t comma = text.find(','); comma != text.npos) {
    auto width = parse_int(lazuli::trim(text.substr(comma + 1)));
    if (!width || std::abs(*width) > kWidthMax) return bad;
    hole.width = *width;
    text = text.substr(0, comma);
  }
  auto index = parse_int(lazuli::trim(text));
  if (!index || *index < 0 || *index > 100'000) return bad;
  hole.index = static_cast<size_t>(*index);
  return hole;
}

Result<std::string> format_value(const Json& value, std::string_view spec) {
  if (value.is_object() || value.is_array()) return quoted(value);
  if (value.is_number() && !spec.empty()) return format_number(value, spec);
  return to_text(value);
}

}  // namespace

Result<std::string> format_text(std::string_view format, std::span<const Json> arguments) {
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    if (c != '{' && c != '}') {
      out += c;
      continue;
    }
    if (i + 1 < format.size() && format[i + 1] == c) {
      out += c;
      ++i;
      continue;
    }
    const size_t end = format.find('}', i);
    if (c == '}' || end == format.npos) return template_error("The format string is not valid.");
    Hole hole = TRY(parse_hole(format.substr(i + 1, end - i - 1)));
    if (hole.index >= arguments.size())
      return template_error(cat({"The format string refers to the argument ",
                                 std::to_string(hole.index), ", which is not given."}));
    std::string text = TRY(format_value(arguments[hole.index], hole.spec));
    const size_t width = static_cast<size_t>(std::abs(hole.width));
    if (text.size() < width)
      text.insert(hole.width > 0 ? 0 : text.size(), width - text.size(), ' ');
    out += text;
    i = end;
  }
  return out;
}

}  // namespace lazuli::templates
