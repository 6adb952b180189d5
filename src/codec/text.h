// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lazuli {

std::string to_hex(std::span<const std::byte> bytes);
std::string to_hex(std::string_view bytes);
Result<std::string> from_hex(std::string_view text);

// RFC 4648: standard alphabet with padding; url-safe without. Decoding accepts missing padding; the
// url-safe form (tokens) also refuses set spare bits, so that one value has one spelling.
std::string to_base64(std::string_view bytes);
std::string to_base64url(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);
Result<std::string> from_base64url(std::string_view text);

// RFC 3986. Encoding leaves unreserved characters (and '/' where `keep_slash`) as they are.
// Decoding refuses bad escapes and NUL; '+' means space only in forms.
std::string url_encode(std::string_view text, bool keep_slash = false);
Result<std::string> url_decode(std::string_view text);

using QueryItems = std::vector<std::pair<std::string, std::string>>;
// application/x-www-form-urlencoded, also for query strings ('+' is a space in forms only).
Result<QueryItems> parse_form(std::string_view text);
Result<QueryItems> parse_query(std::string_view text);
std::string dump_form(const QueryItems& items);

}  // namespace lazuli
