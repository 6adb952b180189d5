// SPDX-License-Identifier: Apache-2.0
#include "core/root_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/log.h"
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
Result<void> create(const std::string& data_dir, const std::string& path, const SecretBytes& key) {
  std::string draft = cat({path, ".", random_name(8)});
  auto written = write_durably(draft, key);
  int failure = 0;
  if (written.ok() && ::link(draft.c_str(), path.c_str()) != 0) failure = errno;
  ::unlink(draft.c_str());
  TRY(std::move(written));
  if (failure != 0 && failure != EEXIST) return errno_error(cat({"create ", path}), failure);
  return sync_directory(data_dir);
}

std::string key_file(const std::string& data_dir) { return data_dir + "/root.key"; }

Result<void> remove_file(const std::string& data_dir, const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return errno_error(cat({"remove ", path}), errno);
  return sync_directory(data_dir);
}

bool are_equal(const SecretBytes& one, const SecretBytes& two) {
  const auto text = [](const SecretBytes& secret) {
    return std::string_view(reinterpret_cast<const char*>(secret.expose().data()), secret.size());
  };
  return equal_constant_time(text(one), text(two));
}

// A crash may have left the file of before.
Result<SecretBytes> load_sealed(const std::string& data_dir) {
  SecretBytes key = TRY(open_sealed_root_key(data_dir));
  const std::string path = key_file(data_dir);
  if (!file_exists(path)) return key;
  const SecretBytes other = TRY(load(path));
  if (!are_equal(key, other))
    return refuse(path, cat({"is not the key that ", sealed_root_key_file(data_dir),
                             " holds: move the wrong one away"}));
  log::info("core", "removed the root key's file of before it was sealed");
  TRY(remove_file(data_dir, path));
  return key;
}

}  // namespace

bool has_root_key(const std::string& data_dir) {
  return file_exists(key_file(data_dir)) || file_exists(sealed_root_key_file(data_dir));
}

Result<SecretBytes> load_or_create_root_key(const std::string& data_dir) {
  if (file_exists(sealed_root_key_file(data_dir))) return load_sealed(data_dir);
  const std::string path = key_file(data_dir);
  auto key = load(path);
  if (key.ok() || key.error().code != Code::kNotFound) return key;
  TRY(create(data_dir, path, crypto::random_secret(kKeySize)));
  return load(path);
}

Result<void> seal_root_key(const std::string& data_dir, const RootKeySeal& seal) {
  const SecretBytes key = has_root_key(data_dir) ? TRY(load_or_create_root_key(data_dir))
                                                 : crypto::random_secret(kKeySize);
  const std::string path = key_file(data_dir);
  if (seal.keeper != RootKeyKeeper::kFile) {
    TRY(write_root_key_seal(data_dir, key, seal));
    return remove_file(data_dir, path);
  }
  if (!file_exists(path)) TRY(create(data_dir, path, key));
  return remove_file(data_dir, sealed_root_key_file(data_dir));
}

}  // namespace lazuli::core
