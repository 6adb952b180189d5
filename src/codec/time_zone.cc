// SPDX-License-Identifier: Apache-2.0
#include "codec/time_zone.h"

#include <unicode/timezone.h>
#include <unicode/unistr.h>

#include "base/strings.h"

namespace lazuli {
namespace {

constexpr int64_t kSecondsADay = 86'400;

int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

int64_t seconds_of(const WallTime& wall) {
  return to_number(wall.day) * kSecondsADay + wall.hour * 3600 + wall.minute * 60 + wall.second;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

// https://howardhinnant.github.io/date_algorithms.html
int64_t to_number(Day day) {
  const int64_t year = day.month <= 2 ? day.year - 1 : day.year;
  const int64_t era = floor_divide(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (day.month + (day.month > 2 ? -3 : 9)) + 2) / 5 + day.day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

Day day_of(int64_t number) {
  number += 719'468;
  const int64_t era = floor_divide(number, 146'097);
  const int64_t of_era = number - era * 146'097;
  const int64_t year = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const int64_t month = (5 * of_year + 2) / 153;
  Day day;
  day.day = static_cast<int>(of_year - (153 * month + 2) / 5 + 1);
  day.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  day.year = static_cast<int>(year + era * 400 + (day.month <= 2 ? 1 : 0));
  return day;
}

int weekday(Day day) {
  const int64_t number = to_number(day) + 4;  // the first day was a Thursday
  return static_cast<int>(number - floor_divide(number, 7) * 7);
}

int days_in_month(int year, int month) {
  const Day next = month == 12 ? Day{year + 1, 1, 1} : Day{year, month + 1, 1};
  return static_cast<int>(to_number(next) - to_number({year, month, 1}));
}

std::optional<WallTime> parse_wall_time(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() == 16) {  // without seconds
    return parse_wall_time(cat({text, ":00"}));
  }
  if (const size_t dot = text.find('.'); dot == kShape.size()) text = text.substr(0, dot);
  if (text.size() != kShape.size()) return std::nullopt;
  for (size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] == 'd' ? !is_digit(text[i]) : text[i] != kShape[i]) return std::nullopt;
  }
  const auto number = [&](size_t at, size_t size) {
    return static_cast<int>(parse_int(text.substr(at, size)).value_or(-1));
  };
  const WallTime wall{
      {number(0, 4), number(5, 2), number(8, 2)}, number(11, 2), number(14, 2), number(17, 2)};
  const bool fine = wall.day.year >= 1900 && wall.day.month >= 1 && wall.day.month <= 12 &&
                    wall.day.day >= 1 &&
                    wall.day.day <= days_in_month(wall.day.year, wall.day.month) &&
                    wall.hour < 24 && wall.minute < 60 && wall.second < 60;
  return fine ? std::optional<WallTime>(wall) : std::nullopt;
}

struct TimeZone::Rules {
  std::unique_ptr<icu::TimeZone> zone;

  int64_t offset_seconds(int64_t seconds) const {
    int32_t raw = 0, saving = 0;
    UErrorCode code = U_ZERO_ERROR;
    zone->getOffset(static_cast<UDate>(seconds) * 1000, false, raw, saving, code);
    return U_FAILURE(code) ? 0 : (raw + saving) / 1000;
  }
};

Result<TimeZone> TimeZone::find(std::string_view name) {
  const auto text = icu::UnicodeString::fromUTF8(
      icu::StringPiece(name.data(), static_cast<int32_t>(name.size())));
  UErrorCode code = U_ZERO_ERROR;
  icu::UnicodeString id;
  icu::TimeZone::getIDForWindowsID(text, nullptr, id, code);
  if (U_FAILURE(code) || id.isEmpty()) id = text;
  std::unique_ptr<icu::TimeZone> zone(icu::TimeZone::createTimeZone(id));
  if (name.empty() || !zone || *zone == icu::TimeZone::getUnknown()) {
    return invalid_argument(cat({"'", name, "' is no time zone."}), "InvalidTimeZone");
  }
  auto rules = std::make_shared<Rules>();
  rules->zone = std::move(zone);
  return TimeZone(std::move(rules));
}

WallTime TimeZone::wall_time(Timestamp at) const {
  const int64_t utc = floor_divide(to_micros(at), 1'000'000);
  const int64_t local = utc + rules_->offset_seconds(utc);
  const int64_t day = floor_divide(local, kSecondsADay);
  const auto rest = static_cast<int>(local - day * kSecondsADay);
  return {day_of(day), rest / 3600, rest / 60 % 60, rest % 60};
}

// Zones change their offset at most once within two days.
std::vector<Timestamp> TimeZone::instants(const WallTime& wall) const {
  const int64_t local = seconds_of(wall);
  const int64_t before = rules_->offset_seconds(local - kSecondsADay);
  const int64_t after = rules_->offset_seconds(local + kSecondsADay);
  std::vector<Timestamp> found;
  for (const int64_t offset : {before, after}) {
    if (rules_->offset_seconds(local - offset) != offset) continue;
    found.push_back(from_micros((local - offset) * 1'000'000));
    if (before == after) break;
  }
  return found;
}

Timestamp TimeZone::instant(const WallTime& wall) const {
  const std::vector<Timestamp> found = instants(wall);
  if (!found.empty()) return found.front();
  const int64_t local = seconds_of(wall);
  return from_micros((local - rules_->offset_seconds(local - kSecondsADay)) * 1'000'000);
}

}  // namespace lazuli
