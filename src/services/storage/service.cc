// SPDX-License-Identifier: Apache-2.0
#include "services/storage/service.h"

#include "services/storage/errors.h"
#include "services/storage/names.h"
#include "services/storage/operations.h"
#include "services/storage/store.h"

namespace lazuli::storage {
namespace {

constexpr size_t kListPage = 1000;

BlobInfo info_of(Blob blob) {
  BlobInfo info;
  info.name = std::move(blob.name);
  info.size = blob.size;
  info.etag = format_etag(blob.etag);
  info.content_type = std::move(blob.content.type);
  info.md5 = std::move(blob.content.md5);
  info.created = blob.created;
  info.last_modified = blob.modified;
  info.metadata = std::move(blob.metadata);
  return info;
}

BlobAttributes attributes_of(const std::string& content_type) {
  BlobAttributes attributes;
  attributes.content.type = content_type.empty() ? "application/octet-stream" : content_type;
  return attributes;
}

}  // namespace

StorageService::StorageService()
    : shared_key_([this](const std::string& name) { return find_account(name); }),
      sas_([this](const std::string& name) { return find_account(name); }) {}

StorageService::~StorageService() { stop(); }

Result<Parts*> StorageService::parts() const {
  if (!parts_) return unavailable("the storage service has not started", "ServerBusy");
  return parts_.get();
}

Result<std::shared_ptr<const Account>> StorageService::find_account(const std::string& name) const {
  return TRY(parts())->accounts.get(name);
}

Result<std::string> StorageService::scope_of(const std::string& account,
                                             const std::string& container) const {
  const std::string service = TRY(find_account(account))->arm_id + "/blobServices/default";
  return container.empty() ? service : service + "/containers/" + container;
}

Result<void> StorageService::start(const core::ServiceContext& context) {
  parts_ = std::make_unique<Parts>(context);
  context.events.attach(core::kResourceDeleted, context.db,
                        [this, &home = context.installation](db::Tx& tx, const core::Event& event) {
                          return remove_accounts(*parts_, home, tx, event.data["id"].text());
                        });
  parts_->blobs.start();
  return {};
}

void StorageService::stop() noexcept {
  if (parts_) parts_->blobs.stop();
}

Result<void> StorageService::ensure_account(const std::string& account, const std::string& arm_id) {
  return TRY(parts())->accounts.ensure(account, arm_id);
}

Result<void> StorageService::ensure_container(const std::string& account,
                                              const std::string& container) {
  auto created = TRY(parts())->blobs.create_container(account, container, {});
  if (!created.ok() && created.error().wire_code != container_already_exists().wire_code)
    return created.error();
  return {};
}

Result<SecretString> StorageService::account_key(const std::string& account) {
  auto found = TRY(find_account(account));
  return found->key.clone();
}

Result<std::string> StorageService::arm_id(const std::string& account) {
  auto found = TRY(find_account(account));
  return found->arm_id;
}

Result<void> StorageService::authorize(const core::Principal& caller, const BlobPath& path,
                                       Access access) {
  const core::Operation& operation = access == Access::kRead ? kReadBlobs : kWriteBlobs;
  TRY(TRY(parts())->authorizer.authorize(caller, operation,
                                         TRY(scope_of(path.account, path.container))));
  return {};
}

Result<BlobInfo> StorageService::get_info(const BlobPath& path) {
  Blobs& blobs = TRY(parts())->blobs;
  return info_of(TRY(blobs.get(path)));
}

Result<std::unique_ptr<bytes::Reader>> StorageService::open(const BlobPath& path) {
  Blobs& blobs = TRY(parts())->blobs;
  return std::move(TRY(blobs.open(path)).reader);
}

Result<BlobInfo> StorageService::put(const BlobPath& path, std::string_view content,
                                     const std::string& content_type) {
  Blobs& blobs = TRY(parts())->blobs;
  auto staged = TRY(stage_content(blobs.bytes(), content));
  return info_of(TRY(blobs.put(path, std::move(staged), attributes_of(content_type), {})));
}

Result<BlobInfo> StorageService::put_file(const BlobPath& path, const std::string& file) {
  Blobs& blobs = TRY(parts())->blobs;
  auto staged = TRY(stage_file(blobs.bytes(), file));
  return info_of(TRY(blobs.put(path, std::move(staged), attributes_of({}), {})));
}

Result<BlobInfo> StorageService::publish(const BlobPath& path, bytes::ObjectInfo object) {
  Blobs& blobs = TRY(parts())->blobs;
  StagedObject staged(blobs.bytes(), std::move(object));
  return info_of(TRY(blobs.put(path, std::move(staged), attributes_of({}), {})));
}

Result<BlobInfo> StorageService::append(const BlobPath& path, std::string_view content) {
  Blobs& blobs = TRY(parts())->blobs;
  auto staged = TRY(stage_content(blobs.bytes(), content));
  return info_of(TRY(blobs.append(path, std::move(staged))));
}

Result<void> StorageService::remove(const BlobPath& path) {
  return TRY(parts())->blobs.remove(path, {});
}

Result<void> StorageService::list(const std::string& account, const std::string& container,
                                  const std::string& prefix,
                                  const std::function<Result<void>(const BlobInfo&)>& visit) {
  Blobs& blobs = TRY(parts())->blobs;
  ListQuery query{prefix, {}, {}, kListPage};
  for (;;) {
    ListPage page = TRY(blobs.list(account, container, query));
    for (ListPage::Item& item : page.items) TRY(visit(info_of(std::move(*item.blob))));
    if (page.next.empty()) return {};
    query.from = page.next;
  }
}

Result<std::string> StorageService::make_sas(const BlobPath& path, const SasOptions& options) {
  auto account = TRY(find_account(path.account));
  return make_service_sas(*account, path, options);
}

std::unique_ptr<StorageService> make_storage() { return std::make_unique<StorageService>(); }

}  // namespace lazuli::storage
