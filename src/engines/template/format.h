// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "codec/json.h"

namespace lazuli::templates {

// .NET's composite format, invariant culture: "{0}", "{1,-8}", "{2:N2}", "{{". Numbers know D, X,
// N, F, P, C, E, G and 0/# patterns of digits.
// https://learn.microsoft.com/dotnet/standard/base-types/composite-formatting
Result<std::string> format_text(std::string_view format, std::span<const Json> arguments);

// .NET's standard (d, D, f, F, g, G, m, o, r, s, t, T, u, U, y) and custom date formats,
// invariant culture.
Result<std::string> format_time(std::string_view format, Timestamp time);

}  // namespace lazuli::templates
