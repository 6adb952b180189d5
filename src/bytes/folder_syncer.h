// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "bytes/file_layer.h"

namespace lazuli::bytes {

// Group commit for folder entries: whoever comes while a folder is being synced waits for the next
// sync, and one of those who wait does it for all. Thread-safe. After a failed sync nothing is
// known about the disk, so every later call fails as well.
class FolderSyncer {
 public:
  explicit FolderSyncer(FileLayer& files) : files_(files) {}
  // Entries changed before the call are durable when it succeeds. A folder that does not exist has
  // none.
  Result<void> sync(const std::string& folder);

 private:
  struct State {
    uint64_t wanted = 0;  // tickets handed out
    uint64_t synced = 0;  // tickets served
    uint64_t waiters = 0;
    bool running = false;
  };

  FileLayer& files_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::string, State> states_;  // of folders somebody waits for
  std::optional<Error> failure_;
};

}  // namespace lazuli::bytes
