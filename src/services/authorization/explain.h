// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/authorization/handlers.h"

namespace lazuli::authorization {

// Why somebody may or may not do something.
struct Explanation {
  // An assignment whose scope covers the question's.
  struct Reason {
    std::string assignment_id, scope;
    std::string principal_id;  // the asked one, or a group that holds it
    std::string role_id, role_name;
    std::string condition;
    // "granted", "noAction", "subtractedByNotActions", "conditionFalse", "conditionUnknown",
    // "roleMissing"
    std::string finding;
  };
  bool allowed = false;
  // What refuses whatever the roles say: "principalMissing", "principalDisabled", or
  // "credentialLimited" where the token that asks carries less than its principal may.
  std::string refused_by;
  std::string assignment_id;           // what allowed it
  std::string denial_id, denial_name;  // the deny assignment that refused it
  std::vector<Reason> considered;
};

// A decision on a principal with its reasons, as a request of its would be decided.
Result<Explanation> explain(Parts& parts, const std::string& object_id,
                            const core::Operation& operation, const std::string& scope);

}  // namespace lazuli::authorization
