// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "bytes/bytes.h"
#include "core/auth.h"
#include "db/db.h"

namespace lazuli::storage {

struct BlobInfo {
  std::string name;
  uint64_t size = 0;
  std::string etag;
  std::string content_type;
  std::string md5;  // raw 16 bytes, may be empty
  Timestamp created{}, last_modified{};
  std::map<std::string, std::string> metadata;
};

struct BlobPath {
  std::string account, container, name;
};

enum class Access { kRead, kWrite };

struct SasOptions {
  std::string permissions;  // "rl", "racwl", …
  Duration lifetime = std::chrono::hours(1);
};

// What other services may do with blobs. Paths are checked like a client's. Thread-safe.
class Storage {
 public:
  virtual ~Storage() = default;

  // Idempotent. An account's key is made at creation and sealed.
  virtual Result<void> ensure_account(const std::string& account, const std::string& arm_id) = 0;
  virtual Result<void> ensure_container(const std::string& account,
                                        const std::string& container) = 0;
  virtual Result<SecretString> account_key(const std::string& account) = 0;
  // ARM id of an account, for permission checks; kNotFound.
  virtual Result<std::string> arm_id(const std::string& account) = 0;
  // Whether a caller of another service may do with a blob what it could do at the blob host
  // itself; kPermissionDenied as there.
  virtual Result<void> authorize(const core::Principal& caller, const BlobPath& path,
                                 Access access) = 0;

  virtual Result<BlobInfo> get_info(const BlobPath& path) = 0;
  virtual Result<std::unique_ptr<bytes::Reader>> open(const BlobPath& path) = 0;
  // Durable when they return. put() replaces; append() adds to a growing blob (made if absent).
  virtual Result<BlobInfo> put(const BlobPath& path, std::string_view content,
                               const std::string& content_type = {}) = 0;
  virtual Result<BlobInfo> put_file(const BlobPath& path, const std::string& file) = 0;
  // A finished object of the byte store becomes the blob's content, and the blob its only owner.
  virtual Result<BlobInfo> publish(const BlobPath& path, bytes::ObjectInfo object) = 0;
  virtual Result<BlobInfo> append(const BlobPath& path, std::string_view content) = 0;
  virtual Result<void> remove(const BlobPath& path) = 0;
  // All blobs whose names start with `prefix`, in order of name, `visit` one by one.
  virtual Result<void> list(const std::string& account, const std::string& container,
                            const std::string& prefix,
                            const std::function<Result<void>(const BlobInfo&)>& visit) = 0;

  // The query string ("sv=…&sig=…", no '?') of a service SAS for a container, or for one blob when
  // path.name is set; signed with the account key.
  virtual Result<std::string> make_sas(const BlobPath& path, const SasOptions& options) = 0;

  // For the chain.
  virtual core::Authenticator& shared_key_authenticator() = 0;
  virtual core::Authenticator& sas_authenticator() = 0;
};

}  // namespace lazuli::storage
