// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/auth.h"

namespace lazuli::authorization {

// What a condition is asked about.
struct ConditionQuestion {
  std::string_view operation;  // in lower case
  const core::Attributes& attributes;
};

enum class Verdict { kFalse, kTrue, kUnknown };

// The condition of a role assignment or of a role's permission, parsed. Three-valued: an attribute
// that is missing or of another type makes its comparison unknown, and what is unknown at the end
// grants nothing. Immutable, thread-safe.
// Source: https://learn.microsoft.com/azure/role-based-access-control/conditions-format
class Condition {
 public:
  // kInvalidArgument "InvalidConditionFormat" says where it does not parse. Mixed AND and OR
  // without parentheses is an error; so are texts over 8 KiB and nesting over 64.
  static Result<Condition> parse(std::string_view text);
  Verdict evaluate(const ConditionQuestion& question) const;

  struct Node;

 private:
  explicit Condition(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
  std::shared_ptr<const Node> root_;
};

}  // namespace lazuli::authorization
