// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "base/result.h"

namespace lazuli::db::testing {

// For crash tests: a disk with a volatile cache, as a SQLite VFS in front of the system's. What was
// written but not synced is lost, in part or whole, when the power is cut. Thread-safe.
class CrashDisk {
 public:
  CrashDisk();  // registers the VFS
  ~CrashDisk();
  CrashDisk(const CrashDisk&) = delete;
  CrashDisk& operator=(const CrashDisk&) = delete;
  const std::string& vfs_name() const;  // for Options::sqlite_vfs

  // A disk that lies: syncs answer ok and do nothing.
  void ignore_syncs() { ignores_syncs_ = true; }

  // From now on every write, sync and delete fails.
  void cut_power();
  // After all users of the files are gone: each file holds again what was synced, and of the
  // 512-byte sectors written since, those that `seed` chooses; 0 chooses none.
  void restore(uint64_t seed);

  // What `PRAGMA integrity_check` says about a file that nobody uses: "ok".
  static std::string integrity(const std::string& path);

 private:
  struct Write {
    int64_t offset = 0;
    std::string bytes;
    bool truncates = false;  // to `offset`
  };
  struct File {
    bool exists = false;  // durably
    std::string synced;
    std::vector<Write> unsynced;
  };
  struct Vfs;
  friend struct Vfs;

  bool note(const std::string& path, Write write);
  bool sync(const std::string& path);
  bool forget(const std::string& path);
  static void apply(const Write& write, std::string& content);
  static void apply_some(const Write& write, std::string& content, std::mt19937_64& random);

  std::unique_ptr<Vfs> vfs_;
  std::atomic<bool> ignores_syncs_ = false;
  std::mutex mutex_;
  bool cut_ = false;
  std::map<std::string, File> files_;
};

}  // namespace lazuli::db::testing
