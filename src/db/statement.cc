// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "db/connection.h"

namespace lazuli::db {

Result<void> check_statement(std::string_view sql) {
  std::string_view text = trim(sql);
  for (std::string_view verb : {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES"}) {
    if (!istarts_with(text, verb) || text.size() == verb.size()) continue;
    char next = text[verb.size()];
    if (next == ' ' || next == '\n' || next == '(') return {};
  }
  return internal_error(cat({"not a statement that may run here: ", text.substr(0, 40)}));
}

Result<void> check_params(Params params) {
  for (size_t i = 0; i < params.size(); ++i) {
    const auto* text = std::get_if<std::string>(&params[i]);
    if (text == nullptr) continue;
    if (text->find('\0') != std::string::npos || !is_utf8(*text)) {
      return invalid_argument("A text value is not valid UTF-8 or holds a NUL character.");
    }
  }
  return {};
}

}  // namespace lazuli::db
