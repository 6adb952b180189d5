// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "codec/json.h"

namespace lazuli {

// One YAML 1.2 document (core schema: plain true/false, numbers, null; quoted scalars stay text) as
// Json. Aliases are expanded within the limits; the error names line and column. yaml-cpp's parser.
Result<Json> parse_yaml(std::string_view text, const Json::Limits& limits);
Result<Json> parse_yaml(std::string_view text);

// Block style, keys in the order of the value; round-trips through parse_yaml.
std::string dump_yaml(const Json& value);

}  // namespace lazuli
