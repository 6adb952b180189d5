// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/events.h"

namespace lazuli::core {

// Events on the database, for the owner "core", with one delivery thread.
class StoredEvents : public Events {
 public:
  static std::unique_ptr<StoredEvents> create(db::Database::Handle handle);
  static std::vector<db::Migration> migrations();
  // Subscriptions are complete: begins to deliver, also what was left by an earlier life.
  virtual void start() = 0;
  virtual void stop() noexcept = 0;
};

}  // namespace lazuli::core
