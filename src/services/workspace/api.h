// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "services/storage/api.h"

namespace lazuli::workspace {

struct Workspace {
  std::string arm_id;  // canonical casing
  std::string name, location, workspace_guid;
  std::string storage_account;
};

struct Datastore {
  std::string name;
  std::string account, container;
  bool is_default = false;
};

// Containers that clients of a workspace were given to upload into; they are the workspace's own.
inline constexpr std::string_view kUploadContainerPrefix = "upload-";

// On whose authority a reference is resolved that names its storage account itself (https, wasbs).
// A datastore lends its own authority, so references into one ask for none.
class Authority {
 public:
  // Of who asks now; borrows the principal.
  static Authority of(const core::Principal& caller,
                      storage::Access access = storage::Access::kRead) {
    return Authority(&caller, access);
  }
  // The reference was resolved for its caller when it was accepted: what a job or a deployment
  // holds.
  static Authority settled() { return Authority(nullptr, storage::Access::kRead); }

  const core::Principal* caller() const { return caller_; }  // null for settled()
  storage::Access access() const { return access_; }

 private:
  Authority(const core::Principal* caller, storage::Access access)
      : caller_(caller), access_(access) {}
  const core::Principal* caller_;
  storage::Access access_;
};

// What other services may ask about workspaces, datastores and computes. Thread-safe.
class Workspaces {
 public:
  virtual ~Workspaces() = default;
  // By ARM id in any casing; kNotFound "ResourceNotFound".
  virtual Result<Workspace> get(std::string_view arm_id) = 0;
  virtual Result<Datastore> datastore(std::string_view workspace_id, std::string_view name) = 0;
  virtual Result<Datastore> default_datastore(std::string_view workspace_id) = 0;

  // Where a data reference points, for every form clients send: azureml://datastores/{d}/paths/{p},
  // its long form with subscriptions/…, azureml://jobs/{j}/outputs/{o}/paths/{p}, https blob URLs
  // of our accounts, wasbs://. Refuses '..', foreign hosts, and what the authority does not reach.
  virtual Result<storage::BlobPath> resolve_uri(std::string_view workspace_id, std::string_view uri,
                                                const Authority& authority) = 0;
  // The long azureml://subscriptions/… form of a path in a datastore.
  virtual std::string datastore_uri(std::string_view workspace_id, std::string_view datastore,
                                    std::string_view path) const = 0;

  // Accepts an id, "azureml:name", a bare name, or nothing (serverless); kNotFound names it.
  virtual Result<void> check_compute(std::string_view workspace_id, std::string_view compute) = 0;
};

}  // namespace lazuli::workspace
