// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/auth.h"

namespace lazuli::identity {

// What a token of ours says, its signature, issuer, tenant and form found good.
struct Checked {
  core::Verified verified;
  std::string audience;  // without port and final slash
  std::string kid, uti, session, job_id;
  std::string scopes;  // `scp` of a delegated token
  Timestamp issued{};
  // The state of keys, revocations and directory under which it was last found valid; 0: never.
  mutable std::atomic<uint64_t> valid_at{0};
};

// Remembers checked tokens under their SHA-256, so that a signature is verified once. Bounded; what
// it holds is only as valid as `valid_at` says. Thread-safe.
class VerifiedCache {
 public:
  using Digest = std::array<char, 32>;
  static Digest digest_of(std::string_view token);

  std::shared_ptr<const Checked> find(const Digest& digest);
  void put(const Digest& digest, std::shared_ptr<const Checked> checked);

 private:
  // A digest is uniformly distributed already.
  struct Hash {
    size_t operator()(const Digest& digest) const {
      size_t hash;
      std::memcpy(&hash, digest.data(), sizeof hash);
      return hash;
    }
  };
  struct alignas(64) Shard {
    std::mutex mutex;
    std::unordered_map<Digest, std::shared_ptr<const Checked>, Hash> entries;
  };
  static constexpr size_t kShards = 16;
  static constexpr size_t kEntriesMax = 1024;  // of a shard

  Shard& shard_of(const Digest& digest) {
    return shards_[static_cast<unsigned char>(digest.back()) % kShards];
  }

  std::array<Shard, kShards> shards_;
};

}  // namespace lazuli::identity
