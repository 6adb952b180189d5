// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace lazuli {

// A day of the proleptic Gregorian calendar.
struct Day {
  int year = 1970, month = 1, day = 1;
  auto operator<=>(const Day&) const = default;
};
int64_t to_number(Day day);  // days since 1970-01-01
Day day_of(int64_t number);
int weekday(Day day);  // 0: Sunday
int days_in_month(int year, int month);

// What a clock on the wall shows.
struct WallTime {
  Day day;
  int hour = 0, minute = 0, second = 0;
  auto operator<=>(const WallTime&) const = default;
};
// "2026-03-01T10:15:00", without an offset.
std::optional<WallTime> parse_wall_time(std::string_view text);

// A time zone by its IANA name ("Europe/Berlin") or its Windows name ("W. Europe Standard Time"),
// with ICU's tables. Thread-safe; cheap to copy.
class TimeZone {
 public:
  // kInvalidArgument for a name nobody knows.
  static Result<TimeZone> find(std::string_view name);

  WallTime wall_time(Timestamp at) const;
  // When the clock shows that: never, where it is put forward over it; twice, where it is put back.
  std::vector<Timestamp> instants(const WallTime& wall) const;
  // The first of them; a time the clock skips is as much later as the clock is put forward.
  Timestamp instant(const WallTime& wall) const;

 private:
  struct Rules;
  explicit TimeZone(std::shared_ptr<const Rules> rules) : rules_(std::move(rules)) {}
  std::shared_ptr<const Rules> rules_;
};

}  // namespace lazuli
