// SPDX-License-Identifier: Apache-2.0
// Conditions of role assignments: within their limits they come to a verdict, else they are
// refused.
#include "base/testing.h"
#include "services/authorization/condition.h"

namespace lazuli::authorization {

FUZZ_TARGET(authorization_condition) {
  const auto condition = Condition::parse(data);
  if (!condition.ok()) {
    CHECK(condition.error().code == Code::kInvalidArgument);
    return;
  }
  core::Attributes attributes;
  condition->evaluate({"microsoft.storage/x/read", attributes});
  attributes.set("Resource", "n", "abcd");
  attributes.set("Request", "n", "7");
  attributes.add_suboperation("Blob.List");
  condition->evaluate({"microsoft.storage/x/write", attributes});
}

}  // namespace lazuli::authorization
