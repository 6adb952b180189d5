// SPDX-License-Identifier: Apache-2.0
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <new>

#include "base/ids.h"
#include "base/strings.h"
#include "db/crash_disk.h"

// https://sqlite.org/vfs.html: a shim, which hands every call on to the system's VFS.
namespace lazuli::db::testing {
namespace {

constexpr int64_t kSectorBytes = 512;

// The real file's structure follows in the same allocation.
struct ShimFile {
  sqlite3_file base;
  CrashDisk* disk;
  std::string* path;

  static ShimFile& of(sqlite3_file* file) { return *reinterpret_cast<ShimFile*>(file); }
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* real(sqlite3_file* file) { return ShimFile::of(file).real(); }

}  // namespace

struct CrashDisk::Vfs {
  sqlite3_vfs shim;
  sqlite3_vfs* system;
  std::string name;

  static CrashDisk& disk(sqlite3_vfs* vfs) { return *static_cast<CrashDisk*>(vfs->pAppData); }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
    sqlite3_vfs* system = disk(vfs).vfs_->system;
    auto* shim = new (file) ShimFile{};
    const int code = system->xOpen(system, path, shim->real(), flags, out);
    if (code != SQLITE_OK) return code;
    shim->disk = &disk(vfs);
    shim->path = new std::string(path ? path : "");
    shim->base.pMethods = methods();
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* vfs, const char* path, int sync_directory) {
    if (!disk(vfs).forget(path)) return SQLITE_IOERR_DELETE;
    sqlite3_vfs* system = disk(vfs).vfs_->system;
    return system->xDelete(system, path, sync_directory);
  }

  static int close(sqlite3_file* file) {
    delete ShimFile::of(file).path;
    return real(file)->pMethods->xClose(real(file));
  }

  static int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    ShimFile& shim = ShimFile::of(file);
    std::string bytes(static_cast<const char*>(data), static_cast<size_t>(size));
    if (!shim.disk->note(*shim.path, {offset, std::move(bytes)})) return SQLITE_IOERR_WRITE;
    return real(file)->pMethods->xWrite(real(file), data, size, offset);
  }

  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    ShimFile& shim = ShimFile::of(file);
    if (!shim.disk->note(*shim.path, {size, "", true})) return SQLITE_IOERR_TRUNCATE;
    return real(file)->pMethods->xTruncate(real(file), size);
  }

  static int sync(sqlite3_file* file, int) {
    ShimFile& shim = ShimFile::of(file);
    return shim.disk->sync(*shim.path) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
  }

  static const sqlite3_io_methods* methods() {
    static const sqlite3_io_methods kMethods = {
        .iVersion = 2,  // no memory-mapped pages: they would be written past us
        .xClose = close,
        .xRead =
            [](sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
              return real(file)->pMethods->xRead(real(file), data, size, offset);
            },
        .xWrite = write,
        .xTruncate = truncate,
        .xSync = sync,
        .xFileSize =
            [](sqlite3_file* file, sqlite3_int64* size) {
              return real(file)->pMethods->xFileSize(real(file), size);
            },
        .xLock = [](sqlite3_file* file,
                    int level) { return real(file)->pMethods->xLock(real(file), level); },
        .xUnlock = [](sqlite3_file* file,
                      int level) { return real(file)->pMethods->xUnlock(real(file), level); },
        .xCheckReservedLock =
            [](sqlite3_file* file, int* out) {
              return real(file)->pMethods->xCheckReservedLock(real(file), out);
            },
        .xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; },
        .xSectorSize = [](sqlite3_file*) { return static_cast<int>(kSectorBytes); },
        .xDeviceCharacteristics = [](sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; },
        .xShmMap =
            [](sqlite3_file* file, int page, int size, int extend, void volatile** out) {
              return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
            },
        .xShmLock =
            [](sqlite3_file* file, int offset, int count, int flags) {
              return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
            },
        .xShmBarrier = [](sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); },
        .xShmUnmap =
            [](sqlite3_file* file, int remove_file) {
              return real(file)->pMethods->xShmUnmap(real(file), remove_file);
            },
    };
    return &kMethods;
  }
};

CrashDisk::CrashDisk() : vfs_(std::make_unique<Vfs>()) {
  vfs_->system = sqlite3_vfs_find(nullptr);
  vfs_->name = cat({"crash-", random_name(12)});
  vfs_->shim = *vfs_->system;
  vfs_->shim.pNext = nullptr;
  vfs_->shim.zName = vfs_->name.c_str();
  vfs_->shim.pAppData = this;
  vfs_->shim.szOsFile = static_cast<int>(sizeof(ShimFile)) + vfs_->system->szOsFile;
  vfs_->shim.xOpen = Vfs::open;
  vfs_->shim.xDelete = Vfs::remove;
  CHECK(sqlite3_vfs_register(&vfs_->shim, /*makeDflt=*/0) == SQLITE_OK);
}

CrashDisk::~CrashDisk() { sqlite3_vfs_unregister(&vfs_->shim); }

const std::string& CrashDisk::vfs_name() const { return vfs_->name; }

void CrashDisk::cut_power() {
  std::lock_guard lock(mutex_);
  cut_ = true;
}

bool CrashDisk::note(const std::string& path, Write write) {
  std::lock_guard lock(mutex_);
  if (!cut_) files_[path].unsynced.push_back(std::move(write));
  return !cut_;
}

// A file's first sync also makes its name durable, as the system's VFS syncs the directory then.
bool CrashDisk::sync(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (cut_ || ignores_syncs_) return !cut_;
  File& file = files_[path];
  file.exists = true;
  for (const Write& write : file.unsynced) apply(write, file.synced);
  file.unsynced.clear();
  return true;
}

bool CrashDisk::forget(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (!cut_) files_.erase(path);
  return !cut_;
}

void CrashDisk::apply(const Write& write, std::string& content) {
  const auto offset = static_cast<size_t>(write.offset);
  const size_t end = offset + write.bytes.size();
  if (write.truncates || content.size() < end) content.resize(end);
  content.replace(offset, write.bytes.size(), write.bytes);
}

void CrashDisk::apply_some(const Write& write, std::string& content, std::mt19937_64& random) {
  if (write.truncates) {
    if (random() % 2 == 0) apply(write, content);
    return;
  }
  const auto size = static_cast<int64_t>(write.bytes.size());
  for (int64_t at = 0; at < size;) {
    const int64_t left_in_sector = kSectorBytes - (write.offset + at) % kSectorBytes;
    const auto length = static_cast<size_t>(std::min(left_in_sector, size - at));
    if (random() % 2 == 0) {
      apply({write.offset + at, write.bytes.substr(static_cast<size_t>(at), length)}, content);
    }
    at += static_cast<int64_t>(length);
  }
}

void CrashDisk::restore(uint64_t seed) {
  namespace fs = std::filesystem;
  std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  for (auto& [path, file] : files_) {
    if (seed != 0) {
      for (const Write& write : file.unsynced) apply_some(write, file.synced, random);
    }
    file.unsynced.clear();
    fs::remove(path);
    fs::remove(path + "-shm");
    if (!file.exists) continue;
    std::ofstream(path, std::ios::binary) << file.synced;
  }
  std::erase_if(files_, [](const auto& entry) { return !entry.second.exists; });
  cut_ = false;
}

std::string CrashDisk::integrity(const std::string& path) {
  sqlite3* db = nullptr;
  std::string said = "cannot be opened";
  if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    char* error = nullptr;
    said.clear();
    sqlite3_exec(
        db, "PRAGMA integrity_check",
        [](void* out, int, char** values, char**) {
          *static_cast<std::string*>(out) += values[0];
          return 0;
        },
        &said, &error);
    if (error) said += error;
    sqlite3_free(error);
  }
  sqlite3_close(db);
  return said;
}

}  // namespace lazuli::db::testing
