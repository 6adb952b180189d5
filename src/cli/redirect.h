// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace lazuli::cli {

// Where a browser comes back to after it has signed somebody in: a port of the loopback address
// that answers one page (RFC 8252 §7.3).
class Redirect {
 public:
  // Takes what comes with `state` alone.
  static Result<std::unique_ptr<Redirect>> listen(std::string state);
  virtual ~Redirect() = default;
  virtual std::string uri() const = 0;  // "http://localhost:PORT"
  // The authorization code, or why there is none.
  virtual Result<std::string> wait_for_code(Duration max) = 0;
};

}  // namespace lazuli::cli
