// SPDX-License-Identifier: Apache-2.0
#include "base/testing.h"
#include "codec/yaml.h"

namespace lazuli {

FUZZ_TARGET(codec_yaml) {
  const auto value = parse_yaml(data, {64 * 1024, 16});
  if (!value.ok()) return;
  const auto again = parse_yaml(dump_yaml(*value));
  CHECK(again.ok());
  CHECK(again->dump() == value->dump());
}

}  // namespace lazuli
