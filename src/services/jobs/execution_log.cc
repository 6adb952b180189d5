// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/execution_log.h"

#include "base/log.h"
#include "services/jobs/prepare.h"
#include "services/jobs/store.h"

namespace lazuli::jobs {
namespace {

constexpr std::string_view kFile = "logs/azureml/executionlogs.txt";
constexpr auto kRetryPause = std::chrono::seconds(1);

}  // namespace

void ExecutionLog::start() {
  {
    std::lock_guard lock(mutex_);
    if (running_) return;
    running_ = true;
  }
  thread_ = std::thread([this] { run(); });
}

void ExecutionLog::stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    running_ = false;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ExecutionLog::wake() {
  {
    std::lock_guard lock(mutex_);
    pending_ = true;
  }
  changed_.notify_all();
}

void ExecutionLog::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !running_ || pending_; });
    if (!running_) return;
    pending_ = false;
    lock.unlock();
    const Result<void> written = write_out();
    if (!written.ok()) {
      log::warning("jobs", "cannot write an execution log; will try again",
                   {{"error", written.error().message}});
    }
    lock.lock();
    if (written.ok()) continue;
    pending_ = true;
    changed_.wait_for(lock, kRetryPause, [this] { return !running_; });
  }
}

Result<void> ExecutionLog::write_out() {
  const auto logs =
      TRY(context_.db.read([](db::Reader& reader) { return Store::pending_logs(reader); }));
  for (const PendingLog& log : logs) {
    storage::BlobPath blob = TRY(artifact_folder(context_, log.workspace_id, log.root_id));
    blob.name += kFile;
    TRY(context_.peers.storage.put(blob, log.text, "text/plain"));
    TRY(context_.db.write(
        [&](db::Tx& tx) { return Store::set_written(tx, log.root_id, log.last_line); }));
  }
  return {};
}

}  // namespace lazuli::jobs
