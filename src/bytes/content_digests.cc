// SPDX-License-Identifier: Apache-2.0
#include "bytes/content_digests.h"

#include "bytes/object_format.h"

namespace lazuli::bytes {

ContentDigests::ContentDigests(const WriteOptions& options) {
  if (options.sha256) sha256_.emplace(crypto::DigestKind::kSha256);
  if (options.md5) md5_.emplace(crypto::DigestKind::kMd5);
}

Result<void> ContentDigests::add(std::span<const std::byte> data) {
  if (size_ + data.size() > kObjectSizeMax)
    return Error{Code::kPayloadTooLarge, "RequestBodyTooLarge", "the object is too large", {}, {}};
  if (sha256_) sha256_->update(data);
  if (md5_) md5_->update(data);
  size_ += data.size();
  return {};
}

ObjectInfo ContentDigests::finish(ObjectId id) {
  ObjectInfo info{std::move(id), size_, {}, {}};
  if (sha256_) info.sha256 = sha256_->finish();
  if (md5_) info.md5 = md5_->finish();
  return info;
}

}  // namespace lazuli::bytes
