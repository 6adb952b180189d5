// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <algorithm>

#include "base/strings.h"

namespace lazuli::cli {
namespace {

constexpr size_t kCellMax = 60;

std::string cell(const Json& row, std::string_view path) {
  const Json* value = &row;
  for (std::string_view key : split(path, '.')) value = &(*value)[key];
  std::string text = value->text();
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  if (text.size() > kCellMax) text = text.substr(0, kCellMax - 3) + "...";
  return text.empty() ? "-" : text;
}

}  // namespace

std::string format_table(const std::vector<Column>& columns, const Json& rows) {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns) lines[0].emplace_back(column.title);
  for (const Json& row : rows.items()) {
    std::vector<std::string>& line = lines.emplace_back();
    for (const Column& column : columns) line.push_back(cell(row, column.path));
  }
  std::vector<size_t> widths(columns.size(), 0);
  for (const auto& line : lines)
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string text;
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      if (i + 1 < line.size()) text.append(widths[i] - line[i].size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace lazuli::cli
