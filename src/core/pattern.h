// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace lazuli::core {

// One entry of a role's actions ("*/read", "Microsoft.X/*/write"), made ready for many comparisons.
// Without case; '*' stands for any characters, '/' included, and may repeat; "/*/" also covers "/",
// as Azure's built-in roles need it. Time is linear in the operation for what roles contain, and
// bounded by the product of both lengths for what anybody could write. Immutable, thread-safe.
// Source: https://learn.microsoft.com/azure/role-based-access-control/role-definitions
class OperationPattern {
 public:
  explicit OperationPattern(std::string_view text);
  // `operation` in lower case.
  bool matches(std::string_view operation) const;

 private:
  enum class Kind { kExact, kPrefix, kSuffix, kGeneral };
  Kind kind_ = Kind::kExact;
  std::string text_;    // lower case; of kPrefix and kSuffix without the star
  size_t literal_ = 0;  // how much of a general one stands before anything that may vary
};

}  // namespace lazuli::core
