// SPDX-License-Identifier: Apache-2.0
#include "base/testing.h"
#include "codec/xml.h"

namespace lazuli {

FUZZ_TARGET(codec_xml) {
  const auto element = parse_xml(data, 16);
  if (!element.ok()) return;
  const std::string text = dump_xml(*element);
  const auto again = parse_xml(text);
  CHECK(again.ok());
  CHECK(again->name == element->name && again->children.size() == element->children.size());
  CHECK(dump_xml(*again) == text);
}

}  // namespace lazuli
