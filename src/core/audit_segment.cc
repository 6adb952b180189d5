// SPDX-License-Identifier: Apache-2.0
#include "core/audit_segment.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/fd.h"
#include "base/strings.h"

namespace lazuli::core::audit {
namespace {

std::string fault_of(const SecretBytes* key, const Scan& scan, std::string_view line) {
  const auto place = place_of(line);
  if (!place) return "is no audit record";
  if (key != nullptr && !verifies(*key, line, place->mac))
    return "has been changed: its MAC does not verify";
  if (scan.records == 0) return "";
  if (place->sequence != scan.tip.sequence + 1)
    return cat({"follows record ", std::to_string(scan.tip.sequence), " but is number ",
                std::to_string(place->sequence), ": records are missing"});
  if (place->previous != scan.tip.mac) return "does not continue the record before it";
  return "";
}

}  // namespace

Scan scan_segment(const SecretBytes* key, std::string_view content) {
  Scan scan;
  while (!content.empty()) {
    const size_t end = content.find('\n');
    if (end == std::string_view::npos) {
      scan.unfinished = content.size();
      return scan;
    }
    const std::string_view line = content.substr(0, end);
    scan.fault = fault_of(key, scan, line);
    if (!scan.fault.empty()) {
      scan.fault = cat({"the record after ", std::to_string(scan.tip.sequence), " ", scan.fault});
      return scan;
    }
    const Place place = *place_of(line);
    if (scan.records++ == 0) {
      scan.first = place.sequence;
      scan.previous = place.previous;
    }
    scan.tip = {place.sequence, std::string(place.mac)};
    scan.bytes += end + 1;
    content.remove_prefix(end + 1);
  }
  return scan;
}

SegmentFile::~SegmentFile() { close(); }

void SegmentFile::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<void> SegmentFile::create(const std::string& path) {
  close();
  path_ = path;
  bytes_ = 0;
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) return errno_error("create " + path, errno);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Fd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid()) return errno_error("open " + folder, errno);
  if (::fsync(opened.get()) != 0) return errno_error("fsync " + folder, errno);
  return {};
}

Result<void> SegmentFile::resume(const std::string& path, uint64_t bytes) {
  close();
  path_ = path;
  bytes_ = bytes;
  fd_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
  if (fd_ < 0) return errno_error("open " + path, errno);
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0)
    return errno_error("cut off the unfinished end of " + path, errno);
  return sync();
}

Result<void> SegmentFile::append(std::string_view text) {
  const size_t size = text.size();
  while (!text.empty()) {
    const ssize_t count = ::write(fd_, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int reason = errno;
      if (::ftruncate(fd_, static_cast<off_t>(bytes_)) != 0) close();
      return errno_error("write " + path_, reason);
    }
    text.remove_prefix(static_cast<size_t>(count));
  }
  bytes_ += size;
  return {};
}

Result<void> SegmentFile::sync() {
  if (::fdatasync(fd_) != 0) return errno_error("fdatasync " + path_, errno);
  return {};
}

}  // namespace lazuli::core::audit
