// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/log_pump.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "base/strings.h"

namespace lazuli::jobs {
namespace {

constexpr auto kPause = std::chrono::milliseconds(50);
constexpr auto kPauseAfterError = std::chrono::seconds(1);
constexpr size_t kChunkBytes = 1u << 20;

// Up to a chunk of the file from `offset`; empty at its end, or while it does not exist.
Result<std::string> read_from(const std::string& path, uint64_t offset) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return std::string();
  if (fd < 0) return errno_error(cat({"open ", path}), errno);
  std::string text(kChunkBytes, '\0');
  const ssize_t count = ::pread(fd, text.data(), text.size(), static_cast<off_t>(offset));
  const int error = errno;
  ::close(fd);
  if (count < 0) return errno_error(cat({"read ", path}), error);
  text.resize(static_cast<size_t>(count));
  return text;
}

}  // namespace

void LogPump::start() {
  {
    std::lock_guard lock(mutex_);
    if (running_) return;
    running_ = true;
  }
  thread_ = std::thread([this] { run(); });
}

void LogPump::stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    running_ = false;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<void> LogPump::add(const std::string& key, std::string file, storage::BlobPath blob,
                          uint64_t base) {
  auto entry = std::make_shared<Entry>();
  entry->file = std::move(file);
  entry->blob = std::move(blob);
  entry->base = base;
  {
    std::lock_guard lock(mutex_);
    entries_.emplace(key, std::move(entry));
  }
  changed_.notify_all();
  return {};
}

Result<void> LogPump::finish(const std::string& key) {
  std::shared_ptr<Entry> entry;
  {
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return {};
    entry = found->second;
  }
  TRY(copy(*entry));
  drop(key);
  return {};
}

void LogPump::drop(const std::string& key) {
  std::lock_guard lock(mutex_);
  entries_.erase(key);
}

void LogPump::run() {
  std::unique_lock lock(mutex_);
  while (running_) {
    if (entries_.empty()) {
      changed_.wait(lock, [this] { return !running_ || !entries_.empty(); });
      continue;
    }
    std::vector<std::shared_ptr<Entry>> entries;
    for (const auto& [key, entry] : entries_) entries.push_back(entry);
    lock.unlock();
    auto pause = kPause;
    for (const auto& entry : entries) {
      const Result<void> copied = copy(*entry);
      if (copied.ok()) continue;
      log::warning("jobs", "cannot copy a job's log; will try again",
                   {{"file", entry->file}, {"error", copied.error().message}});
      pause = kPauseAfterError;
    }
    lock.lock();
    changed_.wait_for(lock, pause, [this] { return !running_; });
  }
}

// After a failed append nobody knows whether it took place: the blob's size tells.
Result<void> LogPump::copy(Entry& entry) const {
  std::lock_guard lock(entry.mutex);
  if (!entry.done) {
    const auto info = storage_.get_info(entry.blob);
    if (!info.ok() && info.error().code != Code::kNotFound) return info.error();
    const uint64_t size = info.ok() ? info->size : 0;
    entry.done = size > entry.base ? size - entry.base : 0;
  }
  while (true) {
    const std::string text = TRY(read_from(entry.file, *entry.done));
    if (text.empty()) return {};
    const auto appended = storage_.append(entry.blob, text);
    if (!appended.ok()) {
      entry.done.reset();
      return appended.error();
    }
    *entry.done += text.size();
  }
}

}  // namespace lazuli::jobs
