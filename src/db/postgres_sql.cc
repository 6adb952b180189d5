// SPDX-License-Identifier: Apache-2.0
#include "db/postgres_sql.h"

#include "base/strings.h"

namespace lazuli::db {
namespace {

// The length of the quoted text, quoted name or comment that `sql` begins with; 1 if none.
size_t skip(std::string_view sql) {
  auto up_to = [&](std::string_view end, size_t from) {
    const size_t at = sql.find(end, from);
    return at == std::string_view::npos ? sql.size() : at + end.size();
  };
  if (sql[0] == '\'') return up_to("'", 1);  // a doubled quote starts the next one at once
  if (sql[0] == '"') return up_to("\"", 1);
  if (sql.starts_with("--")) return up_to("\n", 2);
  if (sql.starts_with("/*")) return up_to("*/", 2);
  return 1;
}

bool null_test_follows(std::string_view rest) {
  rest = trim(rest);
  return istarts_with(rest, "IS ") || istarts_with(rest, "IS\n");
}

}  // namespace

PostgresSql to_postgres(std::string_view sql) {
  PostgresSql out;
  while (!sql.empty()) {
    if (sql[0] == '?') {
      out.text += cat({"$", std::to_string(++out.parameters)});
      sql.remove_prefix(1);
      if (null_test_follows(sql)) out.text += "::text";
      continue;
    }
    const size_t length = skip(sql);
    out.text += sql.substr(0, length);
    sql.remove_prefix(length);
  }
  return out;
}

}  // namespace lazuli::db
