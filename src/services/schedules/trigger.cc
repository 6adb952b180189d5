// SPDX-License-Identifier: Apache-2.0
#include "services/schedules/trigger.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/strings.h"

// https://learn.microsoft.com/azure/machine-learning/reference-yaml-schedule
namespace lazuli::schedules {
namespace {

constexpr int kDaysMax = 366 * 9;  // leap days are up to eight years apart
constexpr int64_t kIntervalMax = 1000;
constexpr std::array<std::string_view, 12> kMonths = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

Error bad_cron(std::string_view text, std::string_view why) {
  return invalid_argument(cat({"'", text, "' is no cron expression: ", why}), "InvalidTrigger");
}

struct Field {
  int first = 0, last = 0;
  enum class Names { kNone, kMonths, kWeekdays } names = Names::kNone;
};

std::optional<int> value_of(std::string_view text, const Field& field) {
  if (field.names == Field::Names::kMonths) {
    for (size_t i = 0; i < kMonths.size(); ++i) {
      if (iequals(text, kMonths[i])) return static_cast<int>(i) + 1;
    }
  }
  if (field.names == Field::Names::kWeekdays) {
    for (size_t i = 0; i < kWeekdays.size(); ++i) {
      if (iequals(text, kWeekdays[i].substr(0, 3))) return static_cast<int>(i);
    }
  }
  const auto number = parse_int(text);
  if (!number || *number < field.first || *number > field.last) return std::nullopt;
  return static_cast<int>(*number);
}

// One of "*", "5", "1-5", "*/2", "10-40/5".
std::optional<std::vector<int>> values_of(std::string_view text, const Field& field) {
  int step = 1;
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto given = parse_int(text.substr(slash + 1));
    if (!given || *given < 1 || *given > field.last) return std::nullopt;
    step = static_cast<int>(*given);
  }
  const std::string_view range = text.substr(0, slash);
  const size_t dash = range.find('-');
  int first = field.first, last = field.last;
  if (range != "*") {
    const auto from = value_of(range.substr(0, dash), field);
    if (!from) return std::nullopt;
    first = *from;
    if (dash != std::string_view::npos) {
      const auto to = value_of(range.substr(dash + 1), field);
      if (!to || *to < first) return std::nullopt;
      last = *to;
    } else if (slash == std::string_view::npos) {
      last = first;
    }
  }
  std::vector<int> values;
  for (int value = first; value <= last; value += step) values.push_back(value);
  return values;
}

template <size_t N>
bool read_field(std::string_view text, const Field& field, std::bitset<N>& out) {
  for (const std::string_view part : split(text, ',')) {
    const auto values = values_of(part, field);
    if (!values) return false;
    for (const int value : *values) out.set(static_cast<size_t>(value) % (N == 7 ? 7 : N));
  }
  return true;
}

Result<std::vector<int>> numbers(const Json& json, int least, int most, std::string_view what) {
  std::vector<int> found;
  for (const Json& item : json.items()) {
    const int64_t value = item.integer(INT64_MIN);
    if (value < least || value > most) {
      return invalid_argument(cat({"The schedule's ", what, " must be ", std::to_string(least),
                                   " to ", std::to_string(most), "."}),
                              "InvalidTrigger");
    }
    found.push_back(static_cast<int>(value));
  }
  return found;
}

// With an offset as it is, without one in the trigger's zone.
Result<std::optional<Timestamp>> time_of(const Json& json, const TimeZone& zone) {
  const std::string_view text = json.str();
  if (text.empty()) return std::optional<Timestamp>();
  if (const auto wall = parse_wall_time(text)) return std::optional<Timestamp>(zone.instant(*wall));
  const auto at = parse_iso8601(text);
  if (!at.ok()) return invalid_argument(cat({"'", text, "' is no time."}), "InvalidTrigger");
  return std::optional<Timestamp>(*at);
}

int64_t months_between(Day from, Day to) {
  return (to.year - from.year) * 12 + to.month - from.month;
}

int64_t week_of(Day day) { return to_number(day) - weekday(day); }  // the Sunday before

}  // namespace

Result<Cron> parse_cron(std::string_view text) {
  std::vector<std::string_view> fields;
  for (const std::string_view field : split(text, ' ')) {
    if (!field.empty()) fields.push_back(field);
  }
  if (fields.size() != 5) return bad_cron(text, "it has five fields.");
  Cron cron;
  const bool fine = read_field(fields[0], {0, 59}, cron.minutes) &&
                    read_field(fields[1], {0, 23}, cron.hours) &&
                    read_field(fields[2], {1, 31}, cron.days) &&
                    read_field(fields[3], {1, 12, Field::Names::kMonths}, cron.months) &&
                    read_field(fields[4], {0, 7, Field::Names::kWeekdays}, cron.weekdays);
  if (!fine) return bad_cron(text, "a field is out of its range.");
  cron.any_hour = fields[1].starts_with('*');
  cron.any_day = fields[2] == "*";
  cron.any_weekday = fields[4] == "*";
  return cron;
}

Result<Trigger> Trigger::parse(const Json& json, Timestamp created) {
  std::string_view zone = json["timeZone"].str("UTC");
  Trigger trigger(TRY(TimeZone::find(zone.empty() ? "UTC" : zone)));
  const auto start = TRY(time_of(json["startTime"], trigger.zone_));
  trigger.start_ = start.value_or(created);
  trigger.start_day_ = trigger.zone_.wall_time(trigger.start_).day;
  trigger.end_ = TRY(time_of(json["endTime"], trigger.zone_));
  const std::string_view type = json["triggerType"].str();
  if (iequals(type, "Cron")) {
    trigger.cron_ = TRY(parse_cron(json["expression"].str()));
  } else if (iequals(type, "Recurrence")) {
    TRY(trigger.read_recurrence(json));
  } else {
    return invalid_argument(cat({"'", type, "' is no type of trigger: Cron or Recurrence."}),
                            "InvalidTrigger");
  }
  if (!trigger.next(trigger.start_ - Duration(1)) && !trigger.end_) {
    return invalid_argument("The trigger never fires.", "InvalidTrigger");
  }
  return trigger;
}

Result<void> Trigger::read_recurrence(const Json& json) {
  constexpr std::array<std::pair<std::string_view, Unit>, 5> kUnits = {{{"Minute", Unit::kMinute},
                                                                        {"Hour", Unit::kHour},
                                                                        {"Day", Unit::kDay},
                                                                        {"Week", Unit::kWeek},
                                                                        {"Month", Unit::kMonth}}};
  const std::string_view frequency = json["frequency"].str();
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const auto& each) { return iequals(each.first, frequency); });
  if (unit == kUnits.end()) {
    return invalid_argument(cat({"'", frequency, "' is no frequency of a trigger."}),
                            "InvalidTrigger");
  }
  unit_ = unit->second;
  interval_ = json["interval"].integer(1);
  if (interval_ < 1 || interval_ > kIntervalMax) {
    return invalid_argument("The trigger's interval must be 1 to 1000.", "InvalidTrigger");
  }
  return read_pattern(json["schedule"]);
}

// What the pattern leaves out is the start's.
Result<void> Trigger::read_pattern(const Json& pattern) {
  const WallTime start = zone_.wall_time(start_);
  auto hours = TRY(numbers(pattern["hours"], 0, 23, "hours"));
  auto minutes = TRY(numbers(pattern["minutes"], 0, 59, "minutes"));
  month_days_ = TRY(numbers(pattern["monthDays"], -31, 31, "monthDays"));
  if (minutes.empty()) minutes = {hours.empty() ? start.minute : 0};
  if (hours.empty()) hours = {start.hour};
  for (const int hour : hours) cron_.hours.set(static_cast<size_t>(hour));
  for (const int minute : minutes) cron_.minutes.set(static_cast<size_t>(minute));
  for (const Json& item : pattern["weekDays"].items()) {
    const auto found = std::find_if(kWeekdays.begin(), kWeekdays.end(), [&](std::string_view name) {
      return iequals(name, item.str());
    });
    if (found == kWeekdays.end()) {
      return invalid_argument(cat({"'", item.str(), "' is no day of the week."}), "InvalidTrigger");
    }
    cron_.weekdays.set(static_cast<size_t>(found - kWeekdays.begin()));
  }
  if (cron_.weekdays.none() && unit_ == Unit::kWeek) {
    cron_.weekdays.set(static_cast<size_t>(weekday(start.day)));
  }
  if (month_days_.empty() && unit_ == Unit::kMonth) month_days_ = {start.day.day};
  return {};
}

std::optional<Timestamp> Trigger::next(Timestamp after) const {
  after = std::max(after, start_ - Duration(1));
  std::optional<Timestamp> found;
  if (unit_ == Unit::kMinute || unit_ == Unit::kHour) {
    const Duration one = unit_ == Unit::kMinute ? Duration(std::chrono::minutes(1))
                                                : Duration(std::chrono::hours(1));
    const Duration period = one * interval_;
    const auto passed = after < start_ ? 0 : (after - start_) / period + 1;
    found = start_ + period * passed;
  } else {
    found = next_of_days(after);
  }
  if (found && end_ && *found > *end_) return std::nullopt;
  return found;
}

std::optional<Timestamp> Trigger::next_of_days(Timestamp after) const {
  // A day earlier: what a clock skips may happen on the next day.
  const int64_t first = to_number(zone_.wall_time(after).day) - 1;
  const int days_max = unit_ == Unit::kCron || unit_ == Unit::kDay
                           ? kDaysMax
                           : kDaysMax * static_cast<int>(interval_);
  for (int64_t number = first; number < first + days_max; ++number) {
    const Day day = day_of(number);
    if (!fits(day)) continue;
    for (const Timestamp at : on(day)) {
      if (at > after) return at;
    }
  }
  return std::nullopt;
}

bool Trigger::fits(Day day) const {
  if (unit_ == Unit::kCron) {
    if (!cron_.months.test(static_cast<size_t>(day.month))) return false;
    const bool by_day = cron_.days.test(static_cast<size_t>(day.day));
    const bool by_weekday = cron_.weekdays.test(static_cast<size_t>(weekday(day)));
    return cron_.any_day || cron_.any_weekday ? by_day && by_weekday : by_day || by_weekday;
  }
  if (day < start_day_) return false;
  const bool weekday_fits =
      cron_.weekdays.none() || cron_.weekdays.test(static_cast<size_t>(weekday(day)));
  if (unit_ == Unit::kDay) {
    return weekday_fits && (to_number(day) - to_number(start_day_)) % interval_ == 0;
  }
  if (unit_ == Unit::kWeek) {
    return weekday_fits && (week_of(day) - week_of(start_day_)) / 7 % interval_ == 0;
  }
  if (months_between(start_day_, day) % interval_ != 0) return false;
  const int length = days_in_month(day.year, day.month);
  return std::any_of(month_days_.begin(), month_days_.end(), [&](int wanted) {
    return wanted == day.day || (wanted < 0 && length + 1 + wanted == day.day);
  });
}

// In order.
std::vector<Timestamp> Trigger::on(Day day) const {
  std::set<Timestamp> found;
  for (int hour = 0; hour < 24; ++hour) {
    if (!cron_.hours.test(static_cast<size_t>(hour))) continue;
    for (int minute = 0; minute < 60; ++minute) {
      if (!cron_.minutes.test(static_cast<size_t>(minute))) continue;
      const WallTime wall{day, hour, minute, 0};
      if (!cron_.any_hour) {
        found.insert(zone_.instant(wall));
        continue;
      }
      for (const Timestamp at : zone_.instants(wall)) found.insert(at);
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace lazuli::schedules
