// SPDX-License-Identifier: Apache-2.0
#include "services/schedules/trigger.h"

#include <gtest/gtest.h>

namespace lazuli::schedules {
namespace {

Timestamp at(std::string_view text) { return parse_iso8601(text).value(); }

Trigger trigger(std::string_view json, std::string_view created = "2026-01-01T00:00:00Z") {
  return Trigger::parse(Json::parse(json).value(), at(created)).value();
}

std::vector<std::string> times(const Trigger& trigger, std::string_view after, int count) {
  std::vector<std::string> found;
  Timestamp last = at(after);
  for (int i = 0; i < count; ++i) {
    const auto next = trigger.next(last);
    if (!next) break;
    found.push_back(format_iso8601_seconds(*next));
    last = *next;
  }
  return found;
}
using Times = std::vector<std::string>;

TEST(ScheduleCron, TakesListsRangesStepsAndNames) {
  const auto quarter = trigger(R"({"triggerType":"Cron","expression":"*/15 9-10 * * MON-FRI"})");
  EXPECT_EQ(times(quarter, "2026-11-27T10:40:00Z", 3),  // a Friday
            Times({"2026-11-27T10:45:00Z", "2026-11-30T09:00:00Z", "2026-11-30T09:15:00Z"}));
  const auto either = trigger(R"({"triggerType":"Cron","expression":"0 0 13 * 5"})");
  EXPECT_EQ(times(either, "2026-02-06T00:00:00Z", 3),
            Times({"2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z", "2026-02-27T00:00:00Z"}));
  const auto leap = trigger(R"({"triggerType":"Cron","expression":"30 4 29 FEB *"})");
  EXPECT_EQ(times(leap, "2096-03-01T00:00:00Z", 1), Times({"2104-02-29T04:30:00Z"}));
  const auto sunday = trigger(R"({"triggerType":"Cron","expression":"0 0 * * 7"})");
  EXPECT_EQ(times(sunday, "2026-11-25T00:00:00Z", 1), Times({"2026-11-29T00:00:00Z"}));
}

TEST(ScheduleCron, RefusesWhatIsNone) {
  for (const char* wrong :
       {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
        "* * * * 8", "a * * * *", "5-1 * * * *", "*/0 * * * *", "1,,2 * * * *", "-1 * * * *"}) {
    EXPECT_FALSE(parse_cron(wrong).ok()) << wrong;
  }
  const Json never = Json::object({{"triggerType", "Cron"}, {"expression", "0 0 31 2 *"}});
  EXPECT_FALSE(Trigger::parse(never, at("2026-01-01T00:00:00Z")).ok());
}

TEST(ScheduleCron, LivesWithClocksThatArePutForwardAndBack) {
  const auto daily = trigger(
      R"({"triggerType":"Cron","expression":"30 2 * * *","timeZone":"W. Europe Standard Time"})");
  EXPECT_EQ(times(daily, "2026-03-28T12:00:00Z", 2),
            Times({"2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"}));
  EXPECT_EQ(times(daily, "2026-10-24T12:00:00Z", 2),
            Times({"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}));
  const auto hourly =
      trigger(R"({"triggerType":"Cron","expression":"30 * * * *","timeZone":"Europe/Berlin"})");
  EXPECT_EQ(times(hourly, "2026-10-24T23:00:00Z", 4),
            Times({"2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z",
                   "2026-10-25T02:30:00Z"}));
  EXPECT_EQ(times(hourly, "2026-03-29T00:00:00Z", 2),
            Times({"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"}));
}

TEST(ScheduleCron, KeepsToItsStartAndEnd) {
  const auto bounded =
      trigger(R"({"triggerType":"Cron","expression":"0 * * * *","startTime":"2026-05-01T10:00:00",)"
              R"("endTime":"2026-05-01T12:00:00","timeZone":"Pacific Standard Time"})");
  EXPECT_EQ(times(bounded, "2026-01-01T00:00:00Z", 9),
            Times({"2026-05-01T17:00:00Z", "2026-05-01T18:00:00Z", "2026-05-01T19:00:00Z"}));
}

TEST(ScheduleRecurrence, CountsFromItsStart) {
  const auto minutes =
      trigger(R"({"triggerType":"Recurrence","frequency":"Minute","interval":7,"schedule":{}})");
  EXPECT_EQ(times(minutes, "2025-01-01T00:00:00Z", 2),
            Times({"2026-01-01T00:00:00Z", "2026-01-01T00:07:00Z"}));
  EXPECT_EQ(times(minutes, "2026-01-01T00:10:00Z", 1), Times({"2026-01-01T00:14:00Z"}));
  const auto days =
      trigger(R"({"triggerType":"Recurrence","frequency":"day","interval":2,)"
              R"("schedule":{"hours":[4,5],"minutes":[0,10]},"startTime":"2026-01-01T04:05:00"})");
  EXPECT_EQ(times(days, "2026-01-01T00:00:00Z", 4),
            Times({"2026-01-01T04:10:00Z", "2026-01-01T05:00:00Z", "2026-01-01T05:10:00Z",
                   "2026-01-03T04:00:00Z"}));
}

TEST(ScheduleRecurrence, KnowsWeeksAndMonths) {
  const auto weeks =
      trigger(R"({"triggerType":"Recurrence","frequency":"Week","interval":2,)"
              R"("schedule":{"hours":[8],"minutes":[30],"weekDays":["Monday","Thursday"]}})");
  EXPECT_EQ(times(weeks, "2026-01-01T00:00:00Z", 4),  // a Thursday
            Times({"2026-01-01T08:30:00Z", "2026-01-12T08:30:00Z", "2026-01-15T08:30:00Z",
                   "2026-01-26T08:30:00Z"}));
  const auto months = trigger(R"({"triggerType":"Recurrence","frequency":"Month","interval":1,)"
                              R"("schedule":{"hours":[0],"minutes":[0],"monthDays":[31,-1]}})");
  EXPECT_EQ(times(months, "2026-01-15T00:00:00Z", 3),
            Times({"2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"}));
}

TEST(ScheduleRecurrence, RefusesNonsense) {
  for (const char* wrong :
       {R"({})", R"({"triggerType":"Event"})",
        R"({"triggerType":"Recurrence","frequency":"Year","interval":1})",
        R"({"triggerType":"Recurrence","frequency":"Day","interval":0})",
        R"({"triggerType":"Recurrence","frequency":"Day","interval":1,"schedule":{"hours":[24]}})",
        R"({"triggerType":"Cron","expression":"* * * * *","timeZone":"Mars"})",
        R"({"triggerType":"Cron","expression":"* * * * *","startTime":"soon"})"}) {
    EXPECT_FALSE(Trigger::parse(Json::parse(wrong).value(), at("2026-01-01T00:00:00Z")).ok())
        << wrong;
  }
}

}  // namespace
}  // namespace lazuli::schedules
