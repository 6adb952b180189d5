// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "core/service.h"
#include "services/storage/api.h"
#include "services/storage/handlers.h"
#include "services/storage/sas.h"
#include "services/storage/shared_key.h"

namespace lazuli::storage {

// Blob storage: the wire protocol of Azure Storage's Blob service, and Storage for the other
// services. Its calls are thread-safe
// from start() on; before, they fail with kUnavailable. stop() comes after the last call.
class StorageService : public core::Service, public Storage {
 public:
  StorageService();
  ~StorageService() override;

  void describe(core::Manifest& manifest) const override;
  Result<void> start(const core::ServiceContext& context) override;
  void stop() noexcept override;

  Result<void> ensure_account(const std::string& account, const std::string& arm_id) override;
  Result<void> ensure_container(const std::string& account, const std::string& container) override;
  Result<SecretString> account_key(const std::string& account) override;
  Result<std::string> arm_id(const std::string& account) override;
  Result<void> authorize(const core::Principal& caller, const BlobPath& path,
                         Access access) override;
  Result<BlobInfo> get_info(const BlobPath& path) override;
  Result<std::unique_ptr<bytes::Reader>> open(const BlobPath& path) override;
  Result<BlobInfo> put(const BlobPath& path, std::string_view content,
                       const std::string& content_type) override;
  Result<BlobInfo> put_file(const BlobPath& path, const std::string& file) override;
  Result<BlobInfo> publish(const BlobPath& path, bytes::ObjectInfo object) override;
  Result<BlobInfo> append(const BlobPath& path, std::string_view content) override;
  Result<void> remove(const BlobPath& path) override;
  Result<void> list(const std::string& account, const std::string& container,
                    const std::string& prefix,
                    const std::function<Result<void>(const BlobInfo&)>& visit) override;
  Result<std::string> make_sas(const BlobPath& path, const SasOptions& options) override;
  core::Authenticator& shared_key_authenticator() override { return shared_key_; }
  core::Authenticator& sas_authenticator() override { return sas_; }

 private:
  // Of what exists between start() and stop().
  Result<Parts*> parts() const;
  Result<std::shared_ptr<const Account>> find_account(const std::string& name) const;
  // The ARM id that permissions are checked on; the account's blob service for no container.
  Result<std::string> scope_of(const std::string& account, const std::string& container) const;
  std::unique_ptr<Parts> parts_;
  SharedKeyAuthenticator shared_key_;
  SasAuthenticator sas_;
};

std::unique_ptr<StorageService> make_storage();

}  // namespace lazuli::storage
