// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "base/strings.h"
#include "bytes/local_store.h"
#include "codec/text.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

constexpr std::string_view kFormatName = "lazuli-bytes";
constexpr int64_t kFormatVersion = 1;
constexpr size_t kFormatSizeMax = 4096;
constexpr size_t kIdSize = 32;
constexpr size_t kPrefixSize = 4;
constexpr uint64_t kIdsPerFolder = 4096;

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
      syncer_(*files_) {}

Result<void> LocalFolder::prepare() {
  TRY(files_->make_folder(path_));
  TRY(files_->sync_folder(parent_of(path_)));
  lock_ = TRY(files_->lock(path_ + "/LOCK"));
  TRY(prepare_format());
  TRY(files_->make_folder(path_ + "/staging"));
  TRY(files_->make_folder(path_ + "/objects"));
  TRY(files_->sync_folder(path_));
  return remove_leftovers();
}

Result<void> LocalFolder::prepare_format() {
  auto file = files_->open(path_ + "/FORMAT");
  if (!file.ok() && file.error().code == Code::kNotFound) return write_format();
  if (!file.ok()) return std::move(file).error();
  std::string text(kFormatSizeMax, '\0');
  text.resize(TRY((*file)->read_at(0, std::as_writable_bytes(std::span(text)))));
  std::vector<std::string_view> words = split(trim(text), ' ');
  if (words.size() != 3 || words[0] != kFormatName)
    return internal_error(cat({path_, "/FORMAT is damaged: restore it from a backup"}));
  if (parse_int(words[1]) != kFormatVersion)
    return internal_error(cat({path_, " has format version ", words[1],
                               ", which this release does not know: use the newer release"}));
  if (words[2] != key_check_)
    return internal_error(cat({path_, " was written under another root key: restore that key"}));
  return {};
}

Result<void> LocalFolder::write_format() {
  for (const std::string& name : TRY(files_->list(path_)))
    if (name == "objects")
      return internal_error(cat({path_, " holds objects but no FORMAT: restore it from a backup"}));
  std::string draft = path_ + "/FORMAT.new";
  (void)files_->remove(draft);  // of a start that was cut off; mostly absent
  std::string text = cat({kFormatName, " ", std::to_string(kFormatVersion), " ", key_check_, "\n"});
  std::unique_ptr<File> file = TRY(files_->create(draft));
  TRY(file->append(std::as_bytes(std::span(text))));
  TRY(file->sync());
  TRY(files_->rename(draft, path_ + "/FORMAT"));
  return files_->sync_folder(path_);
}

Result<void> LocalFolder::remove_leftovers() {
  std::vector<std::string> names = TRY(files_->list(path_ + "/staging"));
  for (const std::string& name : names) TRY(files_->remove(path_ + "/staging/" + name));
  if (!names.empty()) log::info("bytes", "removed unfinished objects", {{"count", names.size()}});
  return {};
}

bool LocalFolder::is_object_id(const ObjectId& id) {
  return id.size() == kIdSize && id.find_first_not_of("0123456789abcdef") == id.npos;
}

std::string LocalFolder::staging_path(const ObjectId& id) const {
  return cat({path_, "/staging/", id});
}

std::string LocalFolder::folder_of(const ObjectId& id) const {
  std::string_view text = id;
  return cat({path_, "/objects/", text.substr(0, 2), "/", text.substr(2, 2)});
}

std::string LocalFolder::object_path(const ObjectId& id) const {
  return cat({folder_of(id), "/", id});
}

Result<ObjectId> LocalFolder::new_id() {
  std::string tail = to_hex(crypto::random_bytes((kIdSize - kPrefixSize) / 2));
  std::lock_guard lock(mutex_);
  if (current_count_ == 0) current_prefix_ = TRY(next_folder());
  current_count_ = (current_count_ + 1) % kIdsPerFolder;
  return current_prefix_ + tail;
}

// Folders are durable before an object goes into them.
Result<std::string> LocalFolder::next_folder() {
  std::string prefix = to_hex(crypto::random_bytes(kPrefixSize / 2));
  std::string parent = path_ + "/objects";
  for (const std::string& name : {prefix.substr(0, 2), prefix.substr(2)}) {
    TRY(files_->make_folder(cat({parent, "/", name})));
    TRY(sync_folder(parent));  // even if it was there: its maker may not have lived to do so
    parent = cat({parent, "/", name});
  }
  return prefix;
}

Result<void> LocalFolder::sync_folder(const std::string& path) {
  auto synced = syncer_.sync(path);
  if (!synced.ok()) return fail(std::move(synced).error());
  return {};
}

Result<void> LocalFolder::publish(const ObjectId& id) {
  TRY(check_healthy());
  TRY(files_->rename(staging_path(id), object_path(id)));
  return sync_folder(folder_of(id));
}

Result<void> LocalFolder::remove(const ObjectId& id) {
  TRY(check_healthy());
  if (!is_object_id(id)) return {};
  auto removed = files_->remove(object_path(id));
  if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
  return sync_folder(folder_of(id));  // also if it was absent: that may not be durable yet
}

Result<void> LocalFolder::list(const std::function<Result<void>(const ObjectId&)>& visit) {
  const std::string objects = path_ + "/objects";
  for (const std::string& outer : TRY(files_->list(objects)))
    for (const std::string& inner : TRY(files_->list(cat({objects, "/", outer}))))
      for (const std::string& name : TRY(files_->list(cat({objects, "/", outer, "/", inner}))))
        if (is_object_id(name)) TRY(visit(name));
  return {};
}

Result<void> LocalFolder::check_healthy() const {
  if (failed_) return unavailable("an earlier write could not be made durable: restart the server");
  return {};
}

Error LocalFolder::fail(Error error) {
  if (!failed_.exchange(true))
    log::error("bytes", "the disk failed; no more writes are taken", {{"error", error.message}});
  return error;
}

}  // namespace lazuli::bytes
