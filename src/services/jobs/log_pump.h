// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "services/storage/api.h"

namespace lazuli::jobs {

// Copies what running processes write into their log files to log blobs, each byte once and in
// order: the blob's size says how far it is, also after a crash. Thread-safe.
class LogPump {
 public:
  explicit LogPump(storage::Storage& storage) : storage_(storage) {}
  ~LogPump() { stop(); }

  void start();
  void stop() noexcept;

  // From now on `file` (which may not exist yet) is appended to `blob`; its first byte belongs at
  // `base`. Adding a key again changes nothing.
  Result<void> add(const std::string& key, std::string file, storage::BlobPath blob, uint64_t base);
  // Copies the rest, then forgets the key. Returns when the blob holds all of the file.
  Result<void> finish(const std::string& key);
  // Forgets the key without copying.
  void drop(const std::string& key);

 private:
  struct Entry {
    std::mutex mutex;
    std::string file;
    storage::BlobPath blob;
    uint64_t base = 0;
    std::optional<uint64_t> done;  // bytes of the file in the blob; nothing: ask the blob
  };

  void run();
  Result<void> copy(Entry& entry) const;

  storage::Storage& storage_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool running_ = false;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::thread thread_;
};

}  // namespace lazuli::jobs
