// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <unistd.h>

#include <atomic>

#include "base/time.h"

namespace lazuli::log {
namespace {

std::atomic<Level> minimum_level{Level::kInfo};

std::string_view name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "?";
}

void append_escaped(std::string& line, std::string_view text) {
  for (char c : text) {
    if (c == '\n')
      line += "\\n";
    else if (c == '"')
      line += "\\\"";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      line += '?';
    else
      line += c;
  }
}

void append_value(std::string& line, std::string_view value) {
  bool plain = !value.empty() && value.find_first_of(" \"\n=\t") == std::string_view::npos;
  if (!plain) line += '"';
  append_escaped(line, value);
  if (!plain) line += '"';
}

}  // namespace

void set_level(Level level) { minimum_level = level; }

bool enabled(Level level) { return level >= minimum_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view area, std::string_view message,
           std::initializer_list<Field> fields) {
  if (level < minimum_level.load(std::memory_order_relaxed)) return;
  std::string line = format_iso8601(now());
  line += ' ';
  line += name(level);
  line += ' ';
  line += area;
  line += ": ";
  append_escaped(line, message);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  line += '\n';
  (void)!::write(STDERR_FILENO, line.data(), line.size());  // one write: lines never interleave
}

}  // namespace lazuli::log
