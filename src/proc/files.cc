// SPDX-License-Identifier: Apache-2.0
#include "proc/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "base/ids.h"
#include "base/strings.h"

namespace lazuli::proc {
namespace {

Error file_error(std::string_view what, const std::string& path, int error_number) {
  return errno_error(cat({what, " ", path}), error_number);
}

Result<void> write_new(const std::string& path, std::string_view content) {
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return file_error("create", path, errno);
  return write_all(file.get(), content);
}

}  // namespace

Result<std::string> read_all(int fd, size_t bytes_max) {
  std::string content;
  char buffer[16384];
  for (;;) {
    ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("read", errno);
    if (count == 0) return content;
    content.append(buffer, static_cast<size_t>(count));
    if (content.size() > bytes_max)
      return Error{Code::kPayloadTooLarge, "PayloadTooLarge", "the file is too large", {}, {}};
  }
}

Result<void> write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("write", errno);
    content.remove_prefix(static_cast<size_t>(count));
  }
  return success();
}

Result<void> replace_file(const std::string& path, std::string_view content) {
  std::string temporary = cat({path, ".", random_name(8)});
  Result<void> written = write_new(temporary, content);
  if (written.ok() && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = file_error("rename to", path, errno);
  if (!written.ok()) ::unlink(temporary.c_str());
  return written;
}

Result<void> fsync_path(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return file_error("open", path, errno);
  if (::fsync(file.get()) != 0) return file_error("fsync", path, errno);
  return success();
}

Result<void> write_new_file(const std::string& path, std::string_view content) {
  TRY(write_new(path, content));
  return fsync_path(path);
}

Result<Fd> memory_file(const char* name, std::string_view content) {
  Fd file(::memfd_create(name, MFD_CLOEXEC));
  if (!file.valid()) return errno_error("memfd_create", errno);
  TRY(write_all(file.get(), content));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return errno_error("lseek", errno);
  return file;
}

Result<Fd> try_lock_file(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return file_error("open", path, errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return file_error("lock", path, errno);
  return Fd();
}

}  // namespace lazuli::proc
