// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/db.h"

namespace lazuli::db {

// Parameters in the form libpq takes them: text, and bytes as they are. Refers to `params`.
class PostgresParams {
 public:
  explicit PostgresParams(Params params);
  PostgresParams(const PostgresParams&) = delete;
  PostgresParams& operator=(const PostgresParams&) = delete;
  int size() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  void add(const char* data, size_t size, bool binary);

  std::vector<std::string> numbers_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

// A column's text as the server sent it; `type` is the OID of pg_type.
Value postgres_value(std::string_view text, unsigned type);

}  // namespace lazuli::db
