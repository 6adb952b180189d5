// SPDX-License-Identifier: Apache-2.0
// Percent escapes, forms, base64 and hex: what is decoded and encoded again decodes to the same.
#include "base/testing.h"
#include "codec/text.h"

namespace lazuli {
namespace {

void check_urls(std::string_view data) {
  if (const auto plain = url_decode(data); plain.ok()) {
    const auto again = url_decode(url_encode(*plain));
    CHECK(again.ok() && *again == *plain);
    CHECK(plain->find('\0') == std::string::npos);
  }
  if (const auto items = parse_form(data); items.ok()) {
    const auto again = parse_form(dump_form(*items));
    CHECK(again.ok());
    CHECK(items->empty() || *again == *items);
  }
  if (const auto items = parse_query(data); items.ok())
    for (const auto& [name, value] : *items) CHECK(value.size() <= data.size());
}

}  // namespace

FUZZ_TARGET(codec_text) {
  check_urls(data);
  if (const auto bytes = from_base64(data); bytes.ok()) {
    const auto again = from_base64(to_base64(*bytes));
    CHECK(again.ok() && *again == *bytes);
  }
  if (const auto bytes = from_base64url(data); bytes.ok()) {
    const auto again = from_base64url(to_base64url(*bytes));
    CHECK(again.ok() && *again == *bytes);
  }
  if (const auto bytes = from_hex(data); bytes.ok()) CHECK(to_hex(*bytes).size() == data.size());
  const auto encoded = from_base64url(to_base64url(data));
  CHECK(encoded.ok() && *encoded == data);
}

}  // namespace lazuli
