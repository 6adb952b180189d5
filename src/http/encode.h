// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace lazuli::http {

std::string_view reason_phrase(int status);

// Whether a response with this status carries content at all (RFC 9110 §6.4.1).
bool may_have_body(int status);

// How the content of a response is delimited.
struct BodyFraming {
  enum class Kind { kNone, kLength, kChunked, kUntilClose } kind = Kind::kNone;
  uint64_t length = 0;
};

// Appends status line and fields to `out`, without the Connection field and the empty line that end
// a head. Field values are made harmless: a line break in one would begin another field.
void encode_head(const Response& response, BodyFraming framing, bool answers_head,
                 std::string& out);

// The whole of a response with a text, with the end of the connection announced.
std::string whole_response(const Response& response, bool answers_head);

// The whole of a small text response that closes the connection, for what has no application.
std::string plain_response(int status, std::string_view text);

}  // namespace lazuli::http
