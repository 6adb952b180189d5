// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/json.h"

namespace lazuli::cli {

struct Column {
  std::string_view title;
  std::string_view path;  // "properties.status"
};

// Aligned columns with a header line; cells beyond 60 characters are cut with an ellipsis.
std::string format_table(const std::vector<Column>& columns, const Json& rows);

}  // namespace lazuli::cli
