// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace lazuli::log {

enum class Level { kDebug, kInfo, kWarning, kError };

// One named value of a log line. Never pass a secret.
struct Field {
  Field(std::string_view field_key, std::string_view field_value)
      : key(field_key), value(field_value) {}
  template <typename T>
    requires std::is_arithmetic_v<T>
  Field(std::string_view field_key, T number) : key(field_key), value(std::to_string(number)) {}
  std::string_view key;
  std::string value;
};

// Lines below this level are dropped. Set once, before threads start.
void set_level(Level level);
// Whether lines of this level are written: for places where preparing one would cost too much.
bool enabled(Level level);

// Writes one line to standard error: time, level, area, message, key=value fields (quoted where
// needed, control characters escaped). Thread-safe; never throws.
void write(Level level, std::string_view area, std::string_view message,
           std::initializer_list<Field> fields = {});

inline void debug(std::string_view area, std::string_view message,
                  std::initializer_list<Field> fields = {}) {
  write(Level::kDebug, area, message, fields);
}
inline void info(std::string_view area, std::string_view message,
                 std::initializer_list<Field> fields = {}) {
  write(Level::kInfo, area, message, fields);
}
inline void warning(std::string_view area, std::string_view message,
                    std::initializer_list<Field> fields = {}) {
  write(Level::kWarning, area, message, fields);
}
inline void error(std::string_view area, std::string_view message,
                  std::initializer_list<Field> fields = {}) {
  write(Level::kError, area, message, fields);
}

}  // namespace lazuli::log
