// SPDX-License-Identifier: Apache-2.0
#include "services/identity/maintenance.h"

#include "base/log.h"
#include "services/identity/session_store.h"

namespace lazuli::identity {
namespace {

constexpr auto kPause = std::chrono::seconds(2);
constexpr int kRoundsBetweenCleaning = 300;  // ten minutes
constexpr Duration kSignInsKept = std::chrono::hours(24 * 30);
constexpr size_t kSignInsMax = 200'000;

void report(const Result<void>& result) {
  if (!result.ok()) log::warning("identity", "maintenance", {{"why", result.error().message}});
}

}  // namespace

void Maintenance::start() {
  thread_ = std::thread([this] { loop(); });
}

void Maintenance::stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Maintenance::loop() {
  for (int round = 1;; ++round) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, kPause, [this] { return ending_; })) return;
    }
    if (handle_.is_shared()) {  // other nodes' work
      report(keys_.refresh());
      report(revocations_.refresh());
    }
    if (round % kRoundsBetweenCleaning == 1) report(clean(now()));
  }
}

Result<void> Maintenance::clean(Timestamp time) {
  TRY(keys_.maintain(time));
  TRY(revocations_.prune(time));
  TRY(handle_.write([&](db::Tx& tx) { return SessionStore::drop_expired(tx, time); }));
  return sign_ins_.drop_before(time - kSignInsKept, kSignInsMax);
}

}  // namespace lazuli::identity
