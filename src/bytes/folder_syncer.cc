// SPDX-License-Identifier: Apache-2.0
#include "bytes/folder_syncer.h"

namespace lazuli::bytes {

Result<void> FolderSyncer::sync(const std::string& folder) {
  std::unique_lock lock(mutex_);
  State& state = states_[folder];
  uint64_t ticket = ++state.wanted;
  ++state.waiters;
  while (state.synced < ticket && !failure_) {
    if (state.running) {
      changed_.wait(lock);
      continue;
    }
    state.running = true;
    uint64_t covers = state.wanted;
    lock.unlock();
    auto result = files_.sync_folder(folder);
    lock.lock();
    state.running = false;
    bool absent = !result.ok() && result.error().code == Code::kNotFound;
    if (result.ok() || absent)
      state.synced = covers;
    else
      failure_ = std::move(result).error();
    changed_.notify_all();
  }
  bool durable = state.synced >= ticket;
  if (--state.waiters == 0) states_.erase(folder);
  if (!durable) return *failure_;
  return {};
}

}  // namespace lazuli::bytes
