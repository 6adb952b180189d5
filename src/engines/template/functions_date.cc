// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-date
#include "engines/template/format.h"
#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

// A calendar's years and months, and an exact rest.
struct Span {
  int64_t months = 0;
  int64_t seconds = 0;
};

constexpr int64_t kPartMax = 1'000'000'000;

// ISO 8601: "-P1Y2M3W4DT5H6M7S".
std::optional<Span> parse_span(std::string_view text) {
  Span span;
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (!text.starts_with('P') || text.size() < 3) return {};
  text.remove_prefix(1);
  bool in_time = false;
  while (!text.empty()) {
    if (text.front() == 'T' && !in_time) {
      in_time = true;
      text.remove_prefix(1);
      continue;
    }
    size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
    auto number = parse_int(text.substr(0, digits));
    if (!number || *number > kPartMax || digits >= text.size()) return {};
    const char unit = text[digits];
    text.remove_prefix(digits + 1);
    if (!in_time && unit == 'Y')
      span.months += *number * 12;
    else if (!in_time && unit == 'M')
      span.months += *number;
    else if (!in_time && unit == 'W')
      span.seconds += *number * 7 * 86'400;
    else if (!in_time && unit == 'D')
      span.seconds += *number * 86'400;
    else if (in_time && unit == 'H')
      span.seconds += *number * 3'600;
    else if (in_time && unit == 'M')
      span.seconds += *number * 60;
    else if (in_time && unit == 'S')
      span.seconds += *number;
    else
      return {};
  }
  if (negative) return Span{-span.months, -span.seconds};
  return span;
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// "2020-04-07T14:53:14Z", the same with a space, and "20200407T145314Z".
Result<Timestamp> parse_time(const Call& call, std::string text) {
  if (text.size() >= 15 && text[8] == 'T' && all_digits(std::string_view(text).substr(0, 8)))
    text = cat({text.substr(0, 4), "-", text.substr(4, 2), "-", text.substr(6, 2), "T",
                text.substr(9, 2), ":", text.substr(11, 2), ":", text.substr(13)});
  if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
  Result<Timestamp> time = parse_iso8601(text);
  if (!time.ok()) return call.fault("the argument is no ISO 8601 date and time.");
  return time;
}

Result<Timestamp> later(const Call& call, Timestamp time, const Span& span) {
  using std::chrono::days, std::chrono::year, std::chrono::year_month_day, std::chrono::sys_days;
  const auto day = std::chrono::floor<days>(time);
  const auto in_day = time - day;
  const year_month_day date{day};
  const int64_t month = int64_t{int(date.year())} * 12 + unsigned(date.month()) - 1 + span.months;
  const int64_t seconds = std::abs(span.seconds);
  if (month < 12 || month >= 9'999 * 12 || seconds > int64_t{86'400} * 366 * 9'999)
    return call.fault("the result is beyond the years 1 to 9999.");
  const std::chrono::year_month target{year{static_cast<int>(month / 12)},
                                       std::chrono::month{static_cast<unsigned>(month % 12 + 1)}};
  const std::chrono::year_month_day_last last{target.year(),
                                              std::chrono::month_day_last{target.month()}};
  const year_month_day moved{target.year(), target.month(), std::min(date.day(), last.day())};
  return Timestamp(sys_days{moved}) + in_day + std::chrono::seconds(span.seconds);
}

// Without a format the result looks like the base; .NET's own look for one with a space.
std::string_view format_like(std::string_view base) {
  if (base.size() > 10 && base[10] == ' ') return "M/d/yyyy h:mm:ss tt";
  if (base.size() >= 15 && base[8] == 'T') return "yyyyMMddTHHmmssZ";
  return "yyyy-MM-ddTHH:mm:ssZ";
}

Result<Json> call_date_time_add(const Call& call) {
  const std::string base = TRY(call.text(0));
  auto span = parse_span(TRY(call.text(1)));
  if (!span) return call.fault("the duration is not in ISO 8601's form.");
  const Timestamp from = TRY(parse_time(call, base));
  const Timestamp time = TRY(later(call, from, *span));
  const std::string format = call.count() > 2 ? TRY(call.text(2)) : std::string(format_like(base));
  return Json(TRY(format_time(format, time)));
}

Result<Json> call_date_time_from_epoch(const Call& call) {
  const int64_t seconds = TRY(call.integer(0));
  if (seconds < -62'135'596'800 || seconds > 253'402'300'799)
    return call.fault("the result is beyond the years 1 to 9999.");
  return Json(format_iso8601_seconds(from_micros(seconds * 1'000'000)));
}

Result<Json> call_date_time_to_epoch(const Call& call) {
  const std::string text = TRY(call.text(0));
  const Timestamp time = TRY(parse_time(call, text));
  return Json(to_micros(time) / 1'000'000);
}

Result<Json> call_utc_now(const Call& call) {
  if (!call.environment.in_default)
    return template_error(
        "The template function 'utcNow' is not expected at this location: it is allowed in the "
        "default value of a parameter only.");
  const std::string format = call.count() > 0 ? TRY(call.text(0)) : "yyyyMMddTHHmmssZ";
  const Facts* facts = call.environment.facts;
  return Json(TRY(format_time(format, facts != nullptr ? facts->time : now())));
}

constexpr Function kFunctions[] = {
    {"dateTimeAdd", 2, 3, call_date_time_add},
    {"dateTimeFromEpoch", 1, 1, call_date_time_from_epoch},
    {"dateTimeToEpoch", 1, 1, call_date_time_to_epoch},
    {"utcNow", 0, 1, call_utc_now},
};

}  // namespace

std::span<const Function> date_functions() { return kFunctions; }

}  // namespace lazuli::templates
