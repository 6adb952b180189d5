// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "base/strings.h"
#include "bytes/local_store.h"
#include "bytes/root_format.h"

namespace lazuli::bytes {
namespace {

constexpr size_t kFormatSizeMax = 4096;

std::string parent_of(std::string_view path) {
  size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return std::string(path.substr(0, std::max<size_t>(slash, 1)));
}

// A file per key, replaced as a whole.
class KeyFiles : public KeyRecords {
 public:
  KeyFiles(FileLayer& files, DiskHealth& health, std::string folder)
      : files_(files), health_(health), folder_(std::move(folder)) {}

  Result<std::vector<std::string>> list() override {
    TRY(files_.make_folder(folder_));
    TRY(durable(files_.sync_folder(folder_)));  // what is relied on from now on
    return files_.list(folder_);
  }
  Result<std::string> load(const std::string& name) override {
    std::unique_ptr<File> file = TRY(files_.open(cat({folder_, "/", name})));
    std::string text(kFormatSizeMax, '\0');
    text.resize(TRY(file->read_at(0, std::as_writable_bytes(std::span(text)))));
    return text;
  }
  Result<void> save(const std::string& name, const std::string& text) override {
    const std::string path = cat({folder_, "/", name}), draft = path + ".new";
    (void)files_.remove(draft);  // of an attempt that was cut off; mostly absent
    std::unique_ptr<File> file = TRY(files_.create(draft));
    TRY(file->append(std::as_bytes(std::span(text))));
    TRY(durable(file->sync()));
    TRY(files_.rename(draft, path));
    return durable(files_.sync_folder(folder_));
  }

 private:
  Result<void> durable(Result<void> synced) {
    if (!synced.ok()) return health_.fail(std::move(synced).error());
    return {};
  }

  FileLayer& files_;
  DiskHealth& health_;
  const std::string folder_;
};

}  // namespace

LocalFolder::LocalFolder(std::unique_ptr<FileLayer> files, std::string path,
                         const SecretBytes& root_key)
    : files_(std::move(files)),
      path_(std::move(path)),
      key_check_(derive_key_check(root_key)),
      large_(*files_, health_, path_),
      packed_(*files_, health_, path_),
      keys_(std::make_unique<KeyFiles>(*files_, health_, path_ + "/keys"),
            derive_store_key(root_key)) {}

Result<void> LocalFolder::prepare() {
  TRY(files_->make_folder(path_));
  TRY(files_->sync_folder(parent_of(path_)));
  lock_ = TRY(files_->lock(path_ + "/LOCK"));
  TRY(prepare_format());
  TRY(large_.prepare());
  TRY(packed_.prepare());
  TRY(keys_.prepare());
  return files_->sync_folder(path_);
}

Result<void> LocalFolder::prepare_format() {
  auto file = files_->open(path_ + "/FORMAT");
  if (!file.ok() && file.error().code == Code::kNotFound) return make_format();
  if (!file.ok()) return std::move(file).error();
  std::string text(kFormatSizeMax, '\0');
  text.resize(TRY((*file)->read_at(0, std::as_writable_bytes(std::span(text)))));
  const int64_t version = TRY(check_format_text(text, key_check_, path_));
  if (version == kFormatVersion) return {};
  log::info("bytes", "took over a folder of an older format", {{"version", version}});
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
  const std::string text = make_format_text(key_check_);
  std::unique_ptr<File> file = TRY(files_->create(draft));
  TRY(file->append(std::as_bytes(std::span(text))));
  TRY(file->sync());
  TRY(files_->rename(draft, path_ + "/FORMAT"));
  return files_->sync_folder(path_);
}

}  // namespace lazuli::bytes
