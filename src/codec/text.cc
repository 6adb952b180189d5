// SPDX-License-Identifier: Apache-2.0
#include "codec/text.h"

#include <array>

#include "base/strings.h"

namespace lazuli {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kHexDigitsUpper = "0123456789ABCDEF";
constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlSafe =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<int8_t, 256> reverse(std::string_view alphabet) {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  for (size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<int8_t>(i);
  return table;
}
constexpr auto kStandardValues = reverse(kStandard);
constexpr auto kUrlSafeValues = reverse(kUrlSafe);

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string encode_base64(std::string_view bytes, std::string_view alphabet, bool pad) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  int count = 0;
  for (char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6;) out += alphabet[bits >> (count -= 6) & 63];
  }
  if (count > 0) out += alphabet[bits << (6 - count) & 63];
  while (pad && out.size() % 4 != 0) out += '=';
  return out;
}

// Removes up to two '=' that complete a group of four; anything else stays and is refused later.
std::string_view strip_padding(std::string_view text) {
  for (int i = 0; i < 2 && text.size() % 4 == static_cast<size_t>((4 - i) % 4); ++i) {
    if (!text.ends_with('=')) break;
    text.remove_suffix(1);
  }
  return text;
}

enum class SpareBits { kIgnore, kMustBeZero };

Result<std::string> decode_base64(std::string_view text, const std::array<int8_t, 256>& values,
                                  SpareBits spare) {
  text = strip_padding(text);
  if (text.size() % 4 == 1) return invalid_argument("the base64 text has an impossible length");
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    int value = values[static_cast<unsigned char>(c)];
    if (value < 0) return invalid_argument("the text is not valid base64");
    bits = bits << 6 | static_cast<uint32_t>(value);
    if ((count += 6) >= 8) out += static_cast<char>(bits >> (count -= 8) & 255);
  }
  bool spare_set = (bits & ((1u << count) - 1)) != 0;
  if (spare == SpareBits::kMustBeZero && spare_set)
    return invalid_argument("the base64 text is not canonical");
  return out;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

enum class Plus { kLiteral, kSpace };

Result<std::string> decode_escapes(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      int low = high >= 0 ? hex_value(text[i + 2]) : -1;
      if (low < 0) return invalid_argument("the URL holds an invalid percent escape");
      c = static_cast<char>(high << 4 | low);
      i += 2;
    } else if (c == '+' && plus == Plus::kSpace) {
      c = ' ';
    }
    if (c == '\0') return invalid_argument("the URL holds a NUL");
    out += c;
  }
  return out;
}

Result<QueryItems> parse_items(std::string_view text, Plus plus) {
  QueryItems items;
  for (std::string_view piece : split(text, '&')) {
    if (piece.empty()) continue;
    size_t equals = piece.find('=');
    std::string_view value = equals == piece.npos ? std::string_view() : piece.substr(equals + 1);
    std::string key = TRY(decode_escapes(piece.substr(0, equals), plus));
    items.emplace_back(std::move(key), TRY(decode_escapes(value, plus)));
  }
  return items;
}

}  // namespace

std::string to_hex(std::span<const std::byte> bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (std::byte byte : bytes) {
    out += kHexDigits[std::to_integer<size_t>(byte >> 4)];
    out += kHexDigits[std::to_integer<size_t>(byte & std::byte{15})];
  }
  return out;
}

std::string to_hex(std::string_view bytes) {
  return to_hex(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

Result<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return invalid_argument("the hex text has an odd length");
  std::string out;
  out.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = hex_value(text[i]);
    int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return invalid_argument("the text is not valid hex");
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string to_base64(std::string_view bytes) { return encode_base64(bytes, kStandard, true); }

std::string to_base64url(std::string_view bytes) { return encode_base64(bytes, kUrlSafe, false); }

Result<std::string> from_base64(std::string_view text) {
  return decode_base64(text, kStandardValues, SpareBits::kIgnore);
}

Result<std::string> from_base64url(std::string_view text) {
  return decode_base64(text, kUrlSafeValues, SpareBits::kMustBeZero);
}

std::string url_encode(std::string_view text, bool keep_slash) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      out += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      out += {'%', kHexDigitsUpper[byte >> 4], kHexDigitsUpper[byte & 15]};
    }
  }
  return out;
}

Result<std::string> url_decode(std::string_view text) {
  return decode_escapes(text, Plus::kLiteral);
}

Result<QueryItems> parse_form(std::string_view text) { return parse_items(text, Plus::kSpace); }

Result<QueryItems> parse_query(std::string_view text) { return parse_items(text, Plus::kLiteral); }

std::string dump_form(const QueryItems& items) {
  std::string out;
  for (const auto& [key, value] : items) {
    if (!out.empty()) out += '&';
    out += url_encode(key);
    out += '=';
    out += url_encode(value);
  }
  return out;
}

}  // namespace lazuli
