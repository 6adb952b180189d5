// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "db/db.h"

namespace lazuli::db {

// What a reader of rows makes: T of `T read(const Row&)` and of `Result<T> read(const Row&)`.
template <typename R>
struct Unwrapped {
  using Type = R;
};
template <typename T>
struct Unwrapped<Result<T>> {
  using Type = T;
};
template <typename F>
using ReadBy = typename Unwrapped<std::invoke_result_t<F&, const Row&>>::Type;

// The first row as `read` makes of it, or nothing.
template <typename F>
Result<std::optional<ReadBy<F>>> find_one(Executor& db, std::string_view sql, Params params,
                                          F read) {
  const std::optional<Row> row = TRY(db.query_one(sql, params));
  if (!row) return std::optional<ReadBy<F>>();
  Result<ReadBy<F>> found = read(*row);
  return std::optional<ReadBy<F>>(TRY(std::move(found)));
}

// All rows as `read` makes of them, in their order.
template <typename F>
Result<std::vector<ReadBy<F>>> find_all(Executor& db, std::string_view sql, Params params, F read) {
  const Rows rows = TRY(db.query(sql, params));
  std::vector<ReadBy<F>> all;
  all.reserve(rows.size());
  for (const Row& row : rows) {
    Result<ReadBy<F>> found = read(row);
    all.push_back(TRY(std::move(found)));
  }
  return all;
}

}  // namespace lazuli::db
