// SPDX-License-Identifier: Apache-2.0
#include "base/testing.h"
#include "codec/json.h"

namespace lazuli {

FUZZ_TARGET(codec_json) {
  const auto value = Json::parse(data, {64 * 1024, 16});
  if (!value.ok()) return;
  const std::string text = value->dump();
  const auto again = Json::parse(text);
  CHECK(again.ok() && *again == *value && again->dump() == text);
  const auto pretty = Json::parse(value->dump_pretty());
  CHECK(pretty.ok() && *pretty == *value);
  Json patched = *value;
  patched.merge_patch(*value);
}

}  // namespace lazuli
