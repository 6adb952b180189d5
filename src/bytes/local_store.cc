// SPDX-License-Identifier: Apache-2.0
#include "bytes/local_store.h"

#include "base/strings.h"
#include "bytes/object_reader.h"

namespace lazuli::bytes {
namespace {

constexpr int kLookupsMax = 8;  // an object can be moved between looking and opening

Error no_such_object() { return not_found("there is no such stored object"); }

Error damaged(const ObjectId& id, std::string_view why) {
  return internal_error(cat({"stored object ", id, " ", why}), "DataCorruption");
}

FindKey key_finder(LocalFolder& folder) {
  return [&folder](std::string_view name) { return folder.keys().for_reading(name); };
}

Result<std::unique_ptr<Reader>> open_packed(LocalFolder& folder, const ObjectId& id,
                                            const Location& location, std::shared_ptr<File> file) {
  const uint64_t begin = location.offset + kRecordHeaderSize, size = location.length;
  ImageSource source{size, [file, begin, size](uint64_t offset, std::span<std::byte> out) {
                       const auto count = std::min<uint64_t>(out.size(), size - offset);
                       return file->read_at(begin + offset, out.first(count));
                     }};
  return open_image(key_finder(folder), id, std::move(source));
}

Result<std::unique_ptr<Reader>> open_large(LocalFolder& folder, const ObjectId& id) {
  auto opened = folder.files().open(folder.large().object_path(id));
  if (!opened.ok() && opened.error().code == Code::kNotFound) return no_such_object();
  if (!opened.ok()) return std::move(opened).error();
  const std::shared_ptr<File> file = *std::move(opened);
  const uint64_t size = TRY(file->size());
  ImageSource source{size, [file](uint64_t offset, std::span<std::byte> out) {
                       return file->read_at(offset, out);
                     }};
  return open_image(key_finder(folder), id, std::move(source));
}

class LocalStore : public Store {
 public:
  explicit LocalStore(std::shared_ptr<LocalFolder> folder) : folder_(std::move(folder)) {}

  Result<std::unique_ptr<Writer>> create(const WriteOptions& options) override {
    TRY(folder_->health().check());
    return make_local_writer(folder_, options);
  }

  Result<std::unique_ptr<Reader>> open(const ObjectId& id) override {
    return open_local_reader(*folder_, id);
  }

  Result<void> remove(const ObjectId& id) override {
    TRY(folder_->health().check());
    const auto raw = parse_raw_id(id);
    if (!raw) return {};
    if (folder_->packed().find(*raw)) return folder_->packed().remove(*raw);
    return folder_->large().remove(id);
  }

  Result<void> list(const std::function<Result<void>(const ObjectId&)>& visit) override {
    TRY(folder_->packed().for_each(
        [&](const RawId& id, const Location&) { return visit(to_text(id)); }));
    return folder_->large().list(visit);
  }

  Result<CheckReport> check(const CheckOptions& options) override {
    return check_local(*folder_, options);
  }

  Result<uint64_t> compact(const std::function<bool()>& stop) override {
    TRY(folder_->health().check());
    return folder_->packed().compact(stop);
  }

  Keys& keys() override { return folder_->keys(); }

 private:
  std::shared_ptr<LocalFolder> folder_;  // shared with writers, which may outlive the store
};

}  // namespace

Result<std::unique_ptr<Reader>> open_local_reader(LocalFolder& folder, const ObjectId& id) {
  const auto raw = parse_raw_id(id);
  if (!raw) return no_such_object();
  for (int i = 0; i < kLookupsMax; ++i) {
    const auto location = folder.packed().find(*raw);
    if (!location) return open_large(folder, id);
    if (location->quarantined) return damaged(id, "was found damaged, and is set aside");
    auto file = folder.packed().open(*location);
    if (file.ok()) return open_packed(folder, id, *location, *std::move(file));
    if (file.error().code != Code::kNotFound) return std::move(file).error();
    if (folder.packed().find(*raw) == location) return damaged(id, "has lost its segment");
  }
  return unavailable("the stored object is being moved");
}

Result<std::unique_ptr<Store>> open_local(std::unique_ptr<FileLayer> files,
                                          const std::string& folder, SecretBytes root_key) {
  auto shared = std::make_shared<LocalFolder>(std::move(files), folder, root_key);
  TRY(shared->prepare());
  return std::make_unique<LocalStore>(std::move(shared));
}

Result<std::unique_ptr<Store>> open_local(const std::string& folder, SecretBytes root_key) {
  return open_local(make_posix_file_layer(), folder, std::move(root_key));
}

}  // namespace lazuli::bytes
