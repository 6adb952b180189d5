// SPDX-License-Identifier: Apache-2.0
#include "core/root_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "base/ids.h"
#include "base/strings.h"
#include "crypto/random.h"

namespace lazuli::core {
namespace {

constexpr size_t kKeySize = 32;

Error refuse(const std::string& path, std::string_view why) {
  return Error{Code::kInternal, "RootKeyRefused", cat({path, " ", why}), {}, {}};
}

Result<void> check_file(const std::string& path, int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return errno_error(cat({"stat ", path}), errno);
  if (!S_ISREG(info.st_mode)) return refuse(path, "is not a regular file");
  if (info.st_uid != ::geteuid())
    return refuse(path, "belongs to another user: run the server as its owner");
  if ((info.st_mode & 077) != 0)
    return refuse(path, cat({"can be used by others: run chmod 600 ", path,
                             " and consider whether somebody has copied it"}));
  if (info.st_size != static_cast<off_t>(kKeySize))
    return refuse(path,
                  "does not have 32 bytes: restore it from a backup; without the right key the "
                  "data cannot be read");
  return {};
}

Result<SecretBytes> load(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0 && errno == ENOENT) return not_found(cat({path, " does not exist"}));
  if (file.get() < 0) return errno_error(cat({"open ", path}), errno);
  TRY(check_file(path, file.get()));
  SecretBytes key(kKeySize);
  ssize_t count = ::read(file.get(), key.expose_mutable().data(), kKeySize);
  if (count < 0) return errno_error(cat({"read ", path}), errno);
  if (count != static_cast<ssize_t>(kKeySize)) return refuse(path, "could not be read whole");
  return key;
}

Result<void> write_durably(const std::string& path, const SecretBytes& key) {
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return errno_error(cat({"create ", path}), errno);
  bool written = ::fchmod(file.get(), 0600) == 0 &&  // whatever the umask
                 ::write(file.get(), key.expose().data(), kKeySize) == ssize_t{kKeySize} &&
                 ::fsync(file.get()) == 0;
  if (!written) return errno_error(cat({"write ", path}), errno);
  return {};
}

Result<void> sync_directory(const std::string& path) {
  Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return errno_error(cat({"open ", path}), errno);
  if (::fsync(directory.get()) != 0) return errno_error(cat({"sync ", path}), errno);
  return {};
}

// A link, unlike a rename, never replaces a key that another process has just made.
Result<void> create(const std::string& data_dir, const std::string& path) {
  std::string draft = cat({path, ".", random_name(8)});
  auto written = write_durably(draft, crypto::random_secret(kKeySize));
  int failure = 0;
  if (written.ok() && ::link(draft.c_str(), path.c_str()) != 0) failure = errno;
  ::unlink(draft.c_str());
  TRY(std::move(written));
  if (failure != 0 && failure != EEXIST) return errno_error(cat({"create ", path}), failure);
  return sync_directory(data_dir);
}

}  // namespace

Result<SecretBytes> load_or_create_root_key(const std::string& data_dir) {
  std::string path = data_dir + "/root.key";
  auto key = load(path);
  if (key.ok() || key.error().code != Code::kNotFound) return key;
  TRY(create(data_dir, path));
  return load(path);
}

}  // namespace lazuli::core
