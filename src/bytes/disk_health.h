// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "base/log.h"
#include "base/result.h"

namespace lazuli::bytes {

// After a failed sync the disk's state is unknown, so nothing more is acknowledged until a restart.
// Thread-safe.
class DiskHealth {
 public:
  Result<void> check() const {
    if (failed_)
      return unavailable("an earlier write could not be made durable: restart the server");
    return {};
  }
  Error fail(Error error) {
    if (!failed_.exchange(true))
      log::error("bytes", "the disk failed; no more writes are taken", {{"error", error.message}});
    return error;
  }

 private:
  std::atomic<bool> failed_{false};
};

}  // namespace lazuli::bytes
