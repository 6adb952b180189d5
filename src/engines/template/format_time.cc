// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/dotnet/standard/base-types/custom-date-and-time-format-strings
#include <ctime>

#include "base/strings.h"
#include "engines/template/format.h"
#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};

struct Standard {
  char letter;
  std::string_view custom;
};
constexpr Standard kStandard[] = {
    {'d', "MM/dd/yyyy"},
    {'D', "dddd, dd MMMM yyyy"},
    {'f', "dddd, dd MMMM yyyy HH:mm"},
    {'F', "dddd, dd MMMM yyyy HH:mm:ss"},
    {'g', "MM/dd/yyyy HH:mm"},
    {'G', "MM/dd/yyyy HH:mm:ss"},
    {'m', "MMMM dd"},
    {'M', "MMMM dd"},
    {'o', "yyyy-MM-ddTHH:mm:ss.fffffffZ"},
    {'O', "yyyy-MM-ddTHH:mm:ss.fffffffZ"},
    {'r', "ddd, dd MMM yyyy HH:mm:ss 'GMT'"},
    {'R', "ddd, dd MMM yyyy HH:mm:ss 'GMT'"},
    {'s', "yyyy-MM-ddTHH:mm:ss"},
    {'t', "HH:mm"},
    {'T', "HH:mm:ss"},
    {'u', "yyyy-MM-dd HH:mm:ssZ"},
    {'U', "dddd, dd MMMM yyyy HH:mm:ss"},
    {'y', "yyyy MMMM"},
    {'Y', "yyyy MMMM"},
};

std::string padded(int64_t value, size_t width) {
  std::string text = std::to_string(value);
  while (text.size() < width) text.insert(0, "0");
  return text;
}

class Writer {
 public:
  explicit Writer(Timestamp time) {
    std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    ::gmtime_r(&seconds, &parts_);
    micros_ = to_micros(time) - static_cast<int64_t>(seconds) * 1'000'000;
  }

  // One run of a format letter.
  std::string run(char letter, size_t count) const {
    switch (letter) {
      case 'y':
        return year(count);
      case 'M':
        if (count >= 4) return std::string(kMonths[parts_.tm_mon]);
        if (count == 3) return std::string(kMonths[parts_.tm_mon].substr(0, 3));
        return padded(parts_.tm_mon + 1, count);
      case 'd':
        if (count >= 4) return std::string(kDays[parts_.tm_wday]);
        if (count == 3) return std::string(kDays[parts_.tm_wday].substr(0, 3));
        return padded(parts_.tm_mday, count);
      case 'H':
        return padded(parts_.tm_hour, std::min<size_t>(count, 2));
      case 'h':
        return padded((parts_.tm_hour + 11) % 12 + 1, std::min<size_t>(count, 2));
      case 'm':
        return padded(parts_.tm_min, std::min<size_t>(count, 2));
      case 's':
        return padded(parts_.tm_sec, std::min<size_t>(count, 2));
      case 't':
        return std::string(parts_.tm_hour < 12 ? "AM" : "PM").substr(0, count);
      case 'z':
        return count == 1 ? "+0" : count == 2 ? "+00" : "+00:00";
      case 'K':
        return "Z";
      default:
        return fraction(letter, count);
    }
  }

 private:
  std::string year(size_t count) const {
    const int year = parts_.tm_year + 1900;
    return count <= 2 ? padded(year % 100, count) : padded(year, count);
  }

  std::string fraction(char letter, size_t count) const {
    std::string digits = (padded(micros_, 6) + "0").substr(0, std::min<size_t>(count, 7));
    while (letter == 'F' && digits.ends_with('0')) digits.pop_back();
    return digits;
  }

  std::tm parts_{};
  int64_t micros_ = 0;
};

Result<std::string> format_custom(std::string_view format, Timestamp time) {
  const Writer writer(time);
  std::string out;
  for (size_t i = 0; i < format.size();) {
    const char c = format[i];
    if (c == '\'' || c == '"') {
      const size_t end = format.find(c, i + 1);
      if (end == format.npos) return template_error("The date format has a quote without an end.");
      out += format.substr(i + 1, end - i - 1);
      i = end + 1;
      continue;
    }
    if ((c == '\\' || c == '%') && i + 1 < format.size()) {
      if (c == '\\') out += format[i + 1];
      i += c == '\\' ? 2 : 1;
      continue;
    }
    if (std::string_view("yMdHhmstfFzK").find(c) == std::string_view::npos) {
      out += c;
      ++i;
      continue;
    }
    size_t count = 1;
    while (i + count < format.size() && format[i + count] == c) ++count;
    out += writer.run(c, count);
    i += count;
  }
  return out;
}

}  // namespace

Result<std::string> format_time(std::string_view format, Timestamp time) {
  if (format.size() > 256) return template_error("The date format is too long.");
  if (format.size() == 1) {
    for (const Standard& each : kStandard)
      if (each.letter == format.front()) return format_custom(each.custom, time);
    return template_error(cat({"'", format, "' is no standard date format."}));
  }
  return format_custom(format, time);
}

}  // namespace lazuli::templates
