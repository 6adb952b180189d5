// SPDX-License-Identifier: Apache-2.0
#include "services/identity/verified_cache.h"

#include "crypto/digest.h"

namespace lazuli::identity {

VerifiedCache::Digest VerifiedCache::digest_of(std::string_view token) {
  std::string hash = crypto::sha256(token);
  Digest digest;
  std::memcpy(digest.data(), hash.data(), digest.size());
  return digest;
}

std::shared_ptr<const Checked> VerifiedCache::find(const Digest& digest) {
  Shard& shard = shard_of(digest);
  std::lock_guard lock(shard.mutex);
  auto found = shard.entries.find(digest);
  return found == shard.entries.end() ? nullptr : found->second;
}

void VerifiedCache::put(const Digest& digest, std::shared_ptr<const Checked> checked) {
  Shard& shard = shard_of(digest);
  std::lock_guard lock(shard.mutex);
  // Which one goes does not matter: it costs one more look at a signature.
  if (shard.entries.size() >= kEntriesMax) shard.entries.erase(shard.entries.begin());
  shard.entries.insert_or_assign(digest, std::move(checked));
}

}  // namespace lazuli::identity
