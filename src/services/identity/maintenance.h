// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/identity/key_ring.h"
#include "services/identity/revocations.h"
#include "services/identity/sign_in_store.h"

namespace lazuli::identity {

// The service's own thread: rotates keys in time, drops what has expired, keeps the sign-in log
// within its bounds, and takes in what other nodes have revoked.
class Maintenance {
 public:
  Maintenance(db::Database::Handle handle, KeyRing& keys, Revocations& revocations,
              SignInStore& sign_ins)
      : handle_(std::move(handle)), keys_(keys), revocations_(revocations), sign_ins_(sign_ins) {}
  ~Maintenance() { stop(); }

  void start();
  void stop() noexcept;
  // One round of the rarer work.
  Result<void> clean(Timestamp time);

 private:
  void loop();

  db::Database::Handle handle_;
  KeyRing& keys_;
  Revocations& revocations_;
  SignInStore& sign_ins_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace lazuli::identity
