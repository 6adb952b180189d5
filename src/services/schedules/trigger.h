// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bitset>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/json.h"
#include "codec/time_zone.h"

namespace lazuli::schedules {

// "minute hour day-of-month month day-of-week", with lists, ranges, steps and names; both day
// fields count where one of them is '*', either where none is.
struct Cron {
  std::bitset<60> minutes;
  std::bitset<24> hours;
  std::bitset<32> days;
  std::bitset<13> months;
  std::bitset<7> weekdays;  // 0: Sunday
  bool any_hour = false, any_day = false, any_weekday = false;
};
Result<Cron> parse_cron(std::string_view text);

// When a schedule fires: a pure function of what the client wrote and of when it was created.
class Trigger {
 public:
  // ARM's TriggerBase. `created` stands in for a missing start.
  static Result<Trigger> parse(const Json& json, Timestamp created);

  // The first time later than `after` (or at the start itself, if that is later); none when it has
  // come to its end. What a clock that is put forward skips happens as much later; what it shows
  // twice happens once, except for a cron expression with '*' hours.
  std::optional<Timestamp> next(Timestamp after) const;

 private:
  enum class Unit { kCron, kMinute, kHour, kDay, kWeek, kMonth };
  explicit Trigger(TimeZone zone) : zone_(std::move(zone)) {}
  Result<void> read_recurrence(const Json& json);
  Result<void> read_pattern(const Json& pattern);
  std::optional<Timestamp> next_of_days(Timestamp after) const;
  std::vector<Timestamp> on(Day day) const;
  bool fits(Day day) const;

  TimeZone zone_;
  Unit unit_ = Unit::kCron;
  Cron cron_;
  int64_t interval_ = 1;
  std::vector<int> month_days_;
  Timestamp start_{};
  std::optional<Timestamp> end_;
  Day start_day_;
};

}  // namespace lazuli::schedules
