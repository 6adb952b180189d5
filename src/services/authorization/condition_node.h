// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/pattern.h"
#include "services/authorization/condition.h"

namespace lazuli::authorization {

// "@Resource[name]", or the values that were written out.
struct Operand {
  std::string source, name;  // of an attribute, in lower case; empty: literals
  std::vector<std::string> literals;
  bool is_attribute() const { return !source.empty(); }
};

enum class ValueType { kString, kNumber, kBool, kTime, kGuid };
enum class Relation { kEqual, kStartsWith, kLike, kLess, kLessEqual, kGreater, kGreaterEqual };
enum class Quantifier { kOne, kAnyOfAny, kAllOfAny, kAnyOfAll, kAllOfAll };

// "ForAnyOfAnyValues:StringNotEqualsIgnoreCase", taken apart.
struct Comparison {
  ValueType type = ValueType::kString;
  Relation relation = Relation::kEqual;
  Quantifier quantifier = Quantifier::kOne;
  bool negated = false;
  bool ignores_case = false;

  static std::optional<Comparison> named(std::string_view name);
  // Unknown where a value is not of the type.
  Verdict compare(const std::string& left, const std::string& right) const;
};

struct Condition::Node {
  enum class Kind { kAnd, kOr, kNot, kActionMatches, kSubOperationMatches, kExists, kCompare };
  Kind kind = Kind::kCompare;
  std::vector<std::shared_ptr<const Node>> children;  // kAnd, kOr: two or more; kNot: one
  std::vector<core::OperationPattern> actions;        // kActionMatches
  std::vector<std::string> suboperations;             // kSubOperationMatches, in lower case
  Operand left, right;                                // kExists: left alone
  Comparison comparison;
};

}  // namespace lazuli::authorization
