// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/events.h"
#include "db/db.h"
#include "services/directory/api.h"

namespace lazuli::directory {

// What changes do beyond their rows: an event for other services, and an end to what is remembered
// of principals. Also that memory itself. Thread-safe.
class Changes {
 public:
  Changes(db::Database::Handle handle, core::Events& events)
      : handle_(std::move(handle)), events_(events) {}

  // Within the transaction that changes the object: publishes "directory.changed", and forgets all
  // standings before the change is answered.
  Result<void> record(db::Tx& tx, const std::string& object_id, std::string_view kind,
                      std::string_view change);

  Result<Standing> standing(const std::string& object_id);
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  void forget();
  Result<Standing> read(const std::string& object_id);

  db::Database::Handle handle_;
  core::Events& events_;
  std::atomic<uint64_t> generation_{1};
  std::mutex mutex_;
  std::unordered_map<std::string, Standing> known_;
};

}  // namespace lazuli::directory
