// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace lazuli {
namespace {

std::tm utc_parts(Timestamp time) {
  std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return parts;
}

std::string format_with(const char* format, Timestamp time) {
  char buffer[64];
  std::tm parts = utc_parts(time);
  size_t size = std::strftime(buffer, sizeof buffer, format, &parts);
  return std::string(buffer, size);
}

Error bad_time(std::string_view text) {
  return invalid_argument("not a valid time: '" + std::string(text.substr(0, 64)) + "'");
}

// Takes exactly `digits` decimal digits from the front of `text`.
bool take_digits(std::string_view& text, int digits, int& value) {
  if (text.size() < static_cast<size_t>(digits)) return false;
  auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits) return false;
  text.remove_prefix(static_cast<size_t>(digits));
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text, int64_t& micros) {
  int64_t scale = 100000;
  bool any = false;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    micros += (text.front() - '0') * scale;
    scale /= 10;
    any = true;
    text.remove_prefix(1);
  }
  return any;
}

bool take_offset(std::string_view& text, int& minutes) {
  if (text.empty() || take(text, 'Z') || take(text, 'z')) return true;
  bool negative = text.front() == '-';
  if (!take(text, '+') && !take(text, '-')) return false;
  int hours = 0, rest = 0;
  if (!take_digits(text, 2, hours)) return false;
  take(text, ':');
  if (!text.empty() && !take_digits(text, 2, rest)) return false;
  minutes = (hours * 60 + rest) * (negative ? -1 : 1);
  return true;
}

struct Clockface {
  int hour = 0, minute = 0, second = 0;
  int64_t micros = 0;
};

bool take_clockface(std::string_view& text, Clockface& face) {
  if (!take_digits(text, 2, face.hour) || !take(text, ':') || !take_digits(text, 2, face.minute))
    return false;
  if (take(text, ':') && !take_digits(text, 2, face.second)) return false;
  if ((take(text, '.') || take(text, ',')) && !take_fraction(text, face.micros)) return false;
  return face.hour < 24 && face.minute < 60 && face.second < 61;
}

}  // namespace

Timestamp now() { return std::chrono::time_point_cast<std::chrono::microseconds>(Clock::now()); }

int64_t to_micros(Timestamp time) { return time.time_since_epoch().count(); }
Timestamp from_micros(int64_t micros) { return Timestamp(Duration(micros)); }

std::string format_iso8601(Timestamp time) {
  char fraction[16];
  int64_t micros = to_micros(time) % 1000000;
  if (micros < 0) micros += 1000000;
  std::snprintf(fraction, sizeof fraction, ".%06dZ", static_cast<int>(micros));
  return format_with("%Y-%m-%dT%H:%M:%S", time) + fraction;
}

std::string format_iso8601_seconds(Timestamp time) {
  return format_with("%Y-%m-%dT%H:%M:%SZ", time);
}

std::string format_http_date(Timestamp time) {
  return format_with("%a, %d %b %Y %H:%M:%S GMT", time);
}

Result<Timestamp> parse_iso8601(std::string_view text) {
  std::string_view rest = text;
  int year = 0, month = 0, day = 0, offset_minutes = 0;
  if (!take_digits(rest, 4, year) || !take(rest, '-') || !take_digits(rest, 2, month) ||
      !take(rest, '-') || !take_digits(rest, 2, day))
    return bad_time(text);
  std::chrono::year_month_day date{std::chrono::year(year),
                                   std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return bad_time(text);
  Clockface face;
  if (take(rest, 'T') || take(rest, 't') || take(rest, ' ')) {
    if (!take_clockface(rest, face) || !take_offset(rest, offset_minutes)) return bad_time(text);
  }
  if (!rest.empty()) return bad_time(text);
  auto moment = std::chrono::sys_days(date) + std::chrono::hours(face.hour) +
                std::chrono::minutes(face.minute - offset_minutes) +
                std::chrono::seconds(face.second) + std::chrono::microseconds(face.micros);
  return Timestamp(moment);
}

Result<Timestamp> parse_http_date(std::string_view text) {
  std::tm parts{};
  std::string copy(text);
  const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return bad_time(text);
  return Timestamp(std::chrono::seconds(::timegm(&parts)));
}

Result<Duration> parse_iso8601_duration(std::string_view text) {
  std::string_view rest = text;
  if (!take(rest, 'P') || rest.empty()) return bad_time(text);
  bool in_time = false;
  double seconds = 0;
  while (!rest.empty()) {
    if (!in_time && take(rest, 'T')) {
      in_time = true;
      continue;
    }
    double amount = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), amount);
    if (error != std::errc() || end == rest.data() + rest.size() || amount < 0 || amount > 1e9)
      return bad_time(text);
    char unit = *end;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()) + 1);
    if (unit == 'W' && !in_time)
      seconds += amount * 604800;
    else if (unit == 'D' && !in_time)
      seconds += amount * 86400;
    else if (unit == 'H' && in_time)
      seconds += amount * 3600;
    else if (unit == 'M' && in_time)
      seconds += amount * 60;
    else if (unit == 'S' && in_time)
      seconds += amount;
    else
      return bad_time(text);
  }
  return Duration(static_cast<int64_t>(std::llround(seconds * 1e6)));
}

std::string format_iso8601_duration(Duration duration) {
  double seconds = static_cast<double>(duration.count()) / 1e6;
  int64_t whole = static_cast<int64_t>(seconds);
  if (static_cast<double>(whole) == seconds) return "PT" + std::to_string(whole) + "S";
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "PT%.6fS", seconds);
  return buffer;
}

}  // namespace lazuli
