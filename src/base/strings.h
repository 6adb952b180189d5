// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lazuli {

// ASCII only: wire protocols compare names this way, whatever the locale.
std::string to_lower(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
std::string_view trim(std::string_view text);

// Splitting keeps empty pieces; the views point into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& pieces, std::string_view separator);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

// Concatenates with a single allocation.
std::string cat(std::initializer_list<std::string_view> pieces);

// The whole text as a decimal integer, or nothing.
std::optional<int64_t> parse_int(std::string_view text);
std::optional<double> parse_double(std::string_view text);

// Valid UTF-8 without overlong forms or surrogates.
bool is_utf8(std::string_view text);

}  // namespace lazuli
