// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace lazuli::db {

struct PostgresSql {
  std::string text;
  size_t parameters = 0;
};

// Turns `?` into `$1`, `$2`, … outside of quotes and comments. PostgreSQL cannot tell the type of a
// parameter that is only tested for null, so there it becomes `$1::text`.
PostgresSql to_postgres(std::string_view sql);

}  // namespace lazuli::db
