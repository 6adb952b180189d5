// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/strings.h"
#include "bytes/file_layer.h"

namespace lazuli::bytes {
namespace {

Error failure(std::string_view what, const std::string& path) {
  int number = errno;
  Error error = errno_error(cat({what, " ", path}), number);
  if (number == ENOENT) error = not_found(std::move(error.message));
  if (number == ENOSPC || number == EDQUOT)
    error = unavailable(std::move(error.message), "ServerBusy");
  return error;
}

class PosixFile : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<void> append(std::span<const std::byte> data) override {
    while (!data.empty()) {
      ssize_t count = ::write(fd_, data.data(), data.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failure("write", path_);
      data = data.subspan(static_cast<size_t>(count));
    }
    return {};
  }

  Result<void> sync() override {
    if (::fsync(fd_) != 0) return failure("sync", path_);
    return {};
  }

  Result<size_t> read_at(uint64_t offset, std::span<std::byte> out) const override {
    size_t done = 0;
    while (done < out.size()) {
      ssize_t count =
          ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failure("read", path_);
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

  Result<uint64_t> size() const override {
    struct stat info{};
    if (::fstat(fd_, &info) != 0) return failure("stat", path_);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  int fd_;
  std::string path_;
};

class PosixFileLayer : public FileLayer {
 public:
  Result<std::unique_ptr<File>> create(const std::string& path) override {
    return open_file(path, O_WRONLY | O_CREAT | O_EXCL, "create");
  }

  Result<std::unique_ptr<File>> open(const std::string& path) override {
    return open_file(path, O_RDONLY, "open");
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failure("rename", from);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return failure("remove", path);
    return {};
  }

  Result<void> sync_folder(const std::string& path) override {
    std::unique_ptr<File> folder = TRY(open_file(path, O_RDONLY | O_DIRECTORY, "open"));
    return folder->sync();
  }

  Result<bool> make_folder(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return true;
    if (errno == EEXIST) return false;
    return failure("make", path);
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
    if (!folder) return failure("list", path);
    std::vector<std::string> names;
    for (errno = 0; const dirent* entry = ::readdir(folder.get()); errno = 0) {
      std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return failure("list", path);
    return names;
  }

  Result<std::unique_ptr<File>> lock(const std::string& path) override {
    int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failure("open", path);
    std::unique_ptr<File> file = std::make_unique<PosixFile>(fd, path);
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return file;
    if (errno != EWOULDBLOCK) return failure("lock", path);
    return unavailable(cat({path, " is locked: another process uses this data folder"}));
  }

 private:
  static Result<std::unique_ptr<File>> open_file(const std::string& path, int flags,
                                                 std::string_view what) {
    int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failure(what, path);
    return std::make_unique<PosixFile>(fd, path);
  }
};

}  // namespace

std::unique_ptr<FileLayer> make_posix_file_layer() { return std::make_unique<PosixFileLayer>(); }

}  // namespace lazuli::bytes
