// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lazuli {

using Clock = std::chrono::system_clock;
using SteadyClock = std::chrono::steady_clock;
using Timestamp = std::chrono::time_point<Clock, std::chrono::microseconds>;
using Duration = std::chrono::microseconds;

Timestamp now();

// Microseconds since 1970, the form kept in databases.
int64_t to_micros(Timestamp time);
Timestamp from_micros(int64_t micros);

// "2026-11-25T09:46:17.123456Z" (ARM) and "2026-11-25T09:46:17Z" (seconds only).
std::string format_iso8601(Timestamp time);
std::string format_iso8601_seconds(Timestamp time);
// Accepts a date alone, a time without seconds, fractions, and Z or an offset.
Result<Timestamp> parse_iso8601(std::string_view text);

// "Wed, 25 Nov 2026 09:46:17 GMT" (RFC 9110 IMF-fixdate).
std::string format_http_date(Timestamp time);
Result<Timestamp> parse_http_date(std::string_view text);

// ISO 8601 durations as Azure writes them: "PT3S", "PT1H30M", "P1D".
Result<Duration> parse_iso8601_duration(std::string_view text);
std::string format_iso8601_duration(Duration duration);

}  // namespace lazuli
