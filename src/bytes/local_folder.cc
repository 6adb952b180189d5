// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "base/strings.h"
#include "bytes/local_store.h"
#include "codec/text.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"

namespace lazuli::bytes {
namespace {

constexpr std::string_view kFormatName = "lazuli-bytes";
constexpr int64_t kFormatVersion = 2;
constexpr int64_t kOldestFormatVersion = 1;
constexpr size_t kFormatSizeMax = 4096;

std::string parent_of(std::string_view path) {
  size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return std::string(path.substr(0, std::max<size_t>(slash, 1)));
}

std::string derive_key_check(const SecretBytes& root_key) {
  return to_hex(crypto::hkdf_sha256(root_key, "", "lazuli bytes check 1", 16).expose());
}

}  // namespace

LocalFolder::LocalFolder(std::unique_ptr<FileLayer> files, std::string path,
                         const SecretBytes& root_key)
    : files_(std::move(files)),
      path_(std::move(path)),
      store_key_(crypto::hkdf_sha256(root_key, "", "lazuli bytes wrap 1", crypto::kAeadKeySize)),
      key_check_(derive_key_check(root_key)),
      large_(*files_, health_, path_),
      packed_(*files_, health_, path_) {}

Result<void> LocalFolder::prepare() {
  TRY(files_->make_folder(path_));
  TRY(files_->sync_folder(parent_of(path_)));
  lock_ = TRY(files_->lock(path_ + "/LOCK"));
  TRY(prepare_format());
  TRY(large_.prepare());
  TRY(packed_.prepare());
  return files_->sync_folder(path_);
}

Result<void> LocalFolder::prepare_format() {
  auto file = files_->open(path_ + "/FORMAT");
  if (!file.ok() && file.error().code == Code::kNotFound) return make_format();
  if (!file.ok()) return std::move(file).error();
  std::string text(kFormatSizeMax, '\0');
  text.resize(TRY((*file)->read_at(0, std::as_writable_bytes(std::span(text)))));
  std::vector<std::string_view> words = split(trim(text), ' ');
  if (words.size() != 3 || words[0] != kFormatName)
    return internal_error(cat({path_, "/FORMAT is damaged: restore it from a backup"}));
  const auto version = parse_int(words[1]);
  if (!version || *version < kOldestFormatVersion || *version > kFormatVersion)
    return internal_error(cat({path_, " has format version ", words[1],
                               ", which this release does not know: use the newer release"}));
  if (words[2] != key_check_)
    return internal_error(cat({path_, " was written under another root key: restore that key"}));
  if (*version == kFormatVersion) return {};
  log::info("bytes", "took over a folder of an older format", {{"version", *version}});
  return write_format();
}

Result<void> LocalFolder::make_format() {
  for (const std::string& name : TRY(files_->list(path_)))
    if (name == "objects")
      return internal_error(cat({path_, " holds objects but no FORMAT: restore it from a backup"}));
  return write_format();
}

Result<void> LocalFolder::write_format() {
  std::string draft = path_ + "/FORMAT.new";
  (void)files_->remove(draft);  // of a start that was cut off; mostly absent
  std::string text = cat({kFormatName, " ", std::to_string(kFormatVersion), " ", key_check_, "\n"});
  std::unique_ptr<File> file = TRY(files_->create(draft));
  TRY(file->append(std::as_bytes(std::span(text))));
  TRY(file->sync());
  TRY(files_->rename(draft, path_ + "/FORMAT"));
  return files_->sync_folder(path_);
}

}  // namespace lazuli::bytes
