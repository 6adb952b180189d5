// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <string>

#include "core/guard.h"

namespace lazuli::server {

// Refuses writes while the disk of the data directory is nearly full, so that there is always room
// to delete, to sign in and to look. Looks at the disk twice a second at most.
class DiskGuard final : public core::Guard {
 public:
  // `reserve_bytes` 0: a twentieth of the disk, at most 256 MiB.
  explicit DiskGuard(std::string folder, uint64_t reserve_bytes = 0);
  Result<void> check(const core::RequestContext& context, const std::string& scope) override;

 private:
  struct Space {
    uint64_t free = 0;
    uint64_t reserve = 0;
  };
  Space look() const;
  bool is_full();

  const std::string folder_;
  const uint64_t reserve_bytes_;
  std::atomic<int64_t> next_look_ns_ = 0;
  std::atomic<bool> full_ = false;
};

}  // namespace lazuli::server
