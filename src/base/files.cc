// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/fd.h"

namespace lazuli {
namespace {

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("write " + path, errno);
    content.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<void> sync_folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  Fd descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0) return errno_error("open " + folder, errno);
  if (::fsync(descriptor.get()) != 0) return errno_error("fsync " + folder, errno);
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t size_max) {
  Fd descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0) {
    if (errno == ENOENT) return not_found("there is no file " + path);
    return errno_error("open " + path, errno);
  }
  std::string content;
  char buffer[65536];
  for (;;) {
    ssize_t count = ::read(descriptor.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("read " + path, errno);
    if (count == 0) return content;
    content.append(buffer, static_cast<size_t>(count));
    if (content.size() > size_max) return invalid_argument(path + " is too large");
  }
}

Result<void> write_file_durably(const std::string& path, std::string_view content, mode_t mode) {
  std::string staged = path + ".new";
  {
    Fd descriptor(
        ::open(staged.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (descriptor.get() < 0) return errno_error("create " + staged, errno);
    (void)::fchmod(descriptor.get(), mode);
    TRY(write_all(descriptor.get(), content, staged));
    if (::fsync(descriptor.get()) != 0) return errno_error("fsync " + staged, errno);
  }
  if (::rename(staged.c_str(), path.c_str()) != 0) return errno_error("rename " + staged, errno);
  return sync_folder_of(path);
}

Result<void> make_folder(const std::string& path, mode_t mode) {
  std::filesystem::path full(path);
  if (full.has_parent_path() && !file_exists(full.parent_path().string()))
    TRY(make_folder(full.parent_path().string(), mode));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
    return errno_error("make the folder " + path, errno);
  return {};
}

bool file_exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<void> remove_tree(const std::string& path) {
  std::error_code failure;
  std::filesystem::remove_all(path, failure);
  if (failure) return internal_error("remove " + path + ": " + failure.message());
  return {};
}

}  // namespace lazuli
