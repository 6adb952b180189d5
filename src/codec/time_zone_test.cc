// SPDX-License-Identifier: Apache-2.0
#include "codec/time_zone.h"

#include <gtest/gtest.h>

namespace lazuli {
namespace {

Timestamp at(const char* text) { return parse_iso8601(text).value(); }
WallTime wall(const char* text) { return parse_wall_time(text).value(); }

TEST(TimeZone, DaysCountBothWays) {
  EXPECT_EQ(to_number({1970, 1, 1}), 0);
  EXPECT_EQ(to_number({2000, 3, 1}), 11'017);
  EXPECT_EQ(weekday({2026, 11, 25}), 3);
  EXPECT_EQ(weekday({1969, 12, 31}), 3);
  EXPECT_EQ(days_in_month(2024, 2), 29);
  EXPECT_EQ(days_in_month(2100, 2), 28);
  for (int64_t number = -200'000; number < 200'000; number += 97) {
    EXPECT_EQ(to_number(day_of(number)), number);
  }
}

TEST(TimeZone, ReadsWallTimes) {
  EXPECT_EQ(wall("2026-03-01T10:15:20").second, 20);
  EXPECT_EQ(wall("2026-03-01T10:15").minute, 15);
  EXPECT_EQ(wall("2026-03-01T10:15:20.1234567").second, 20);
  for (const char* wrong : {"", "2026-02-30T00:00:00", "2026-03-01T24:00:00", "2026-03-01 10:15:00",
                            "2026-03-01T10:15:00Z", "2026-13-01T10:15:00"}) {
    EXPECT_FALSE(parse_wall_time(wrong).has_value()) << wrong;
  }
}

TEST(TimeZone, KnowsIanaAndWindowsNames) {
  for (const char* name : {"UTC", "Europe/Berlin", "W. Europe Standard Time", "Etc/GMT+3",
                           "Pacific Standard Time", "UTC-11"}) {
    EXPECT_TRUE(TimeZone::find(name).ok()) << name;
  }
  for (const char* name : {"", "Atlantis", "Mars Standard Time"}) {
    EXPECT_FALSE(TimeZone::find(name).ok()) << name;
  }
}

TEST(TimeZone, ClocksGoForwardAndBack) {
  const TimeZone berlin = TimeZone::find("W. Europe Standard Time").value();
  EXPECT_EQ(berlin.wall_time(at("2026-07-01T10:00:00Z")), wall("2026-07-01T12:00:00"));
  EXPECT_EQ(berlin.instant(wall("2026-01-01T12:00:00")), at("2026-01-01T11:00:00Z"));
  EXPECT_TRUE(berlin.instants(wall("2026-03-29T02:30:00")).empty());
  EXPECT_EQ(berlin.instant(wall("2026-03-29T02:30:00")), at("2026-03-29T01:30:00Z"));
  EXPECT_EQ(berlin.instants(wall("2026-10-25T02:30:00")),
            std::vector<Timestamp>({at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z")}));
}

}  // namespace
}  // namespace lazuli
