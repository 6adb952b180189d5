// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"

namespace lazuli::core {

class RequestContext;

// What may still refuse an authorized request before its body is read, such as a lock. `scope` is
// the resource the permission was checked on. Asked for every route that is not anonymous;
// thread-safe.
class Guard {
 public:
  virtual ~Guard() = default;
  virtual Result<void> check(const RequestContext& context, const std::string& scope) = 0;
};

}  // namespace lazuli::core
