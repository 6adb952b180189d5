// SPDX-License-Identifier: Apache-2.0
#include "bytes/local_store.h"

namespace lazuli::bytes {
namespace {

class LocalStore : public Store {
 public:
  explicit LocalStore(std::shared_ptr<LocalFolder> folder) : folder_(std::move(folder)) {}

  Result<std::unique_ptr<Writer>> create() override {
    TRY(folder_->check_healthy());
    ObjectId id = TRY(folder_->new_id());
    std::unique_ptr<File> file = TRY(folder_->files().create(folder_->staging_path(id)));
    return make_local_writer(folder_, std::move(id), std::move(file));
  }

  Result<std::unique_ptr<Reader>> open(const ObjectId& id) override {
    return open_local_reader(*folder_, id);
  }

  Result<void> remove(const ObjectId& id) override { return folder_->remove(id); }

  Result<void> list(const std::function<Result<void>(const ObjectId&)>& visit) override {
    return folder_->list(visit);
  }

 private:
  std::shared_ptr<LocalFolder> folder_;  // shared with writers, which may outlive the store
};

}  // namespace

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
