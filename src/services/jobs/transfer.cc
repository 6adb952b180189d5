// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/transfer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/strings.h"

namespace lazuli::jobs {
namespace {

namespace fs = std::filesystem;

constexpr size_t kChunkBytes = 1u << 20;

Error fs_error(std::string_view what, const fs::path& path, const std::error_code& code) {
  return internal_error(cat({what, " ", path.native(), ": ", code.message()}));
}

// A blob's name below a prefix as a relative path that stays where it is put.
Result<std::string> safe_relative(std::string_view name) {
  for (const std::string_view segment : split(name, '/')) {
    if (!segment.empty() && segment != "." && segment != ".." &&
        segment.find('\0') == std::string_view::npos) {
      continue;
    }
    return invalid_argument(cat({"The blob '", name, "' has a name that cannot be a file's."}),
                            "UserError");
  }
  return std::string(name);
}

class OutputFile {
 public:
  static Result<OutputFile> create(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return errno_error(cat({"create ", path}), errno);
    return OutputFile(fd);
  }
  OutputFile(OutputFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~OutputFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  Result<void> write(std::span<const std::byte> data) {
    while (!data.empty()) {
      const ssize_t count = ::write(fd_, data.data(), data.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno_error("write a job's file", errno);
      data = data.subspan(static_cast<size_t>(count));
    }
    return {};
  }

 private:
  explicit OutputFile(int fd) : fd_(fd) {}
  int fd_;
};

bool is_below(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end() && rest != path.end();
}

}  // namespace

Result<Transfer::Downloaded> Transfer::download(const storage::BlobPath& path,
                                                const std::string& folder,
                                                const Cancelled& cancelled) const {
  Downloaded result;
  const bool may_be_blob = !path.name.empty() && !path.name.ends_with('/');
  if (may_be_blob && storage_.get_info(path).ok()) {
    result.is_file = true;
    result.file_name = TRY(safe_relative(path.name.substr(path.name.rfind('/') + 1)));
    TRY(download_blob(path, cat({folder, "/", result.file_name})));
    result.files = 1;
    return result;
  }
  const std::string prefix =
      path.name.empty() || path.name.ends_with('/') ? path.name : path.name + "/";
  TRY(storage_.list(
      path.account, path.container, prefix, [&](const storage::BlobInfo& blob) -> Result<void> {
        if (cancelled()) return deadline_exceeded("canceled", "Canceled");
        if (blob.name.ends_with('/')) return {};  // a folder's marker
        const fs::path file = fs::path(folder) /
                              TRY(safe_relative(std::string_view(blob.name).substr(prefix.size())));
        std::error_code code;
        fs::create_directories(file.parent_path(), code);
        if (code) return fs_error("create", file.parent_path(), code);
        ++result.files;
        return download_blob({path.account, path.container, blob.name}, file);
      }));
  return result;
}

Result<void> Transfer::download_blob(const storage::BlobPath& path, const std::string& file) const {
  const auto reader = TRY(storage_.open(path));
  OutputFile out = TRY(OutputFile::create(file));
  std::vector<std::byte> chunk(
      std::min<uint64_t>(kChunkBytes, std::max<uint64_t>(reader->size(), 1)));
  uint64_t offset = 0;
  while (true) {
    const size_t count = TRY(reader->read(offset, chunk));
    if (count == 0) return {};
    TRY(out.write(std::span(chunk).first(count)));
    offset += count;
  }
}

Result<size_t> Transfer::upload_folder(const std::string& folder,
                                       const storage::BlobPath& path) const {
  std::error_code code;
  const fs::path root = fs::canonical(folder, code);
  if (code == std::errc::no_such_file_or_directory) return size_t{0};
  if (code) return fs_error("open", folder, code);
  size_t count = 0;
  fs::recursive_directory_iterator walk(root, code), end;
  for (; !code && walk != end; walk.increment(code)) {
    std::error_code ignored;
    const fs::path real = fs::canonical(walk->path(), ignored);
    if (ignored || !is_below(real, root) || !fs::is_regular_file(real, ignored)) continue;
    const std::string name = walk->path().lexically_relative(root).generic_string();
    TRY(upload_file(real, {path.account, path.container, path.name + name}));
    ++count;
  }
  if (code) return fs_error("read", folder, code);
  return count;
}

Result<void> Transfer::upload_file(const std::string& file, const storage::BlobPath& path) const {
  std::error_code code;
  if (!fs::is_regular_file(fs::symlink_status(file, code))) {
    return invalid_argument(cat({"'", fs::path(file).filename().native(),
                                 "' is no regular file and cannot be an output."}),
                            "UserError");
  }
  TRY(storage_.put_file(path, file));
  return {};
}

}  // namespace lazuli::jobs
