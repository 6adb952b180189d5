// SPDX-License-Identifier: Apache-2.0
#include "services/storage/upload.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

namespace lazuli::storage {
namespace {

constexpr size_t kCopyBytes = 256 * 1024;

Result<size_t> read_some(int fd, std::span<std::byte> out, const std::string& path) {
  for (;;) {
    ssize_t count = ::read(fd, out.data(), out.size());
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) return errno_error("read " + path, errno);
  }
}

}  // namespace

StagedObject::StagedObject(StagedObject&& other) noexcept
    : store_(other.store_), info_(std::move(other.info_)) {
  other.store_ = nullptr;
}

StagedObject::~StagedObject() {
  if (store_ == nullptr || info_.id.empty()) return;
  auto removed = store_->remove(info_.id);
  if (!removed.ok())
    log::warning("storage", "could not remove an unused object",
                 {{"error", removed.error().message}});
}

Result<StagedObject> UploadSink::finish() {
  CHECK(writer_ != nullptr);
  auto info = TRY(writer_->finish());
  writer_.reset();
  return StagedObject(store_, std::move(info));
}

Result<StagedObject> stage_content(bytes::Store& store, std::string_view content) {
  return StagedObject(store, TRY(store.put(content)));
}

Result<StagedObject> stage_file(bytes::Store& store, const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) return errno_error("open " + path, errno);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return errno_error("stat " + path, errno);
  if (!S_ISREG(info.st_mode)) return invalid_argument(path + " is not a regular file");

  auto writer = TRY(store.create());
  std::vector<std::byte> buffer(kCopyBytes);
  for (;;) {
    size_t count = TRY(read_some(file.get(), buffer, path));
    if (count == 0) break;
    TRY(writer->append(std::span(buffer).first(count)));
  }
  return StagedObject(store, TRY(writer->finish()));
}

}  // namespace lazuli::storage
