// SPDX-License-Identifier: Apache-2.0
#include "bytes/caretaker.h"

#include "base/log.h"

namespace lazuli::bytes {

Caretaker::Caretaker(Store& store, const CareOptions& options)
    : store_(store), options_(options), thread_([this] { run(); }) {}

Caretaker::~Caretaker() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool Caretaker::stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

void Caretaker::run() {
  Time compact_at = std::chrono::steady_clock::now() + options_.compact_every;
  Time scrub_at = std::chrono::steady_clock::now() + options_.first_scrub;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_until(lock, std::min(compact_at, scrub_at), [&] { return stopping_; });
    if (stopping_) return;
    const Time now = std::chrono::steady_clock::now();
    lock.unlock();
    if (now >= compact_at) {
      compact();
      compact_at = std::chrono::steady_clock::now() + options_.compact_every;
    }
    if (now >= scrub_at) {
      scrub();
      scrub_at = now + options_.scrub_every;
    }
    lock.lock();
  }
}

void Caretaker::compact() {
  auto freed = store_.compact([this] { return stopping(); });
  if (!freed.ok())
    log::error("bytes", "could not compact", {{"error", freed.error().message}});
  else if (*freed > 0)
    log::info("bytes", "compacted", {{"bytes", *freed}});
}

void Caretaker::scrub() {
  auto report =
      store_.check({options_.scrub_bytes_per_second_max, true, [this] { return stopping(); }});
  if (!report.ok()) {
    log::error("bytes", "could not look through what is stored",
               {{"error", report.error().message}});
    return;
  }
  if (!report->complete) return;
  log::info("bytes", "looked through what is stored",
            {{"objects", report->objects},
             {"bytes", report->bytes},
             {"damaged", report->damaged},
             {"set_aside", report->quarantined}});
}

}  // namespace lazuli::bytes
