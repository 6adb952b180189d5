// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.h"
#include "core/vault.h"
#include "crypto/jwt.h"
#include "services/identity/key_store.h"

namespace lazuli::identity {

// The longest a token may live: how long a key outlasts its last signature.
inline constexpr Duration kTokenLifetimeMax = std::chrono::hours(24 * 31);

struct KeyPolicy {
  Duration signing = std::chrono::hours(24 * 30);  // how long a key signs
  Duration ahead = std::chrono::hours(24 * 2);     // how long it is published before that
};

// The signing keys, one line of them per algorithm (RS256, ES256). The successor is published
// `ahead` of its first signature, so that whoever caches the JWKS document knows it in time; a
// predecessor stays published until the last token it signed has ended. Thread-safe.
class KeyRing {
 public:
  struct Signer {
    std::string kid;
    crypto::JwsAlgorithm algorithm;
    crypto::PrivateKey key;
  };

  static Result<std::unique_ptr<KeyRing>> create(db::Database::Handle handle, core::Vault& vault,
                                                 KeyPolicy policy = {});

  // The key that signs at `time`.
  Signer signer(crypto::JwsAlgorithm algorithm, Timestamp time) const;
  // Nothing for a kid that is not ours, or no longer.
  std::optional<crypto::VerificationKey> find(std::string_view kid) const;
  // The same; another node's new key is looked for in the database, once a second at most.
  std::optional<crypto::VerificationKey> find_anywhere(std::string_view kid);
  Json jwks() const;
  // Rises whenever the keys change.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  // Makes successors that are due, dates predecessors, drops what has expired, and takes in what
  // other nodes have done. To be called now and then; `time` is the present.
  Result<void> maintain(Timestamp time);
  // Takes in what other nodes have done.
  Result<void> refresh();

  enum class Start { kAhead, kAtOnce };
  // New keys sign as soon as `ahead` has passed (nothing happens where successors wait already), or
  // from now on. Those before verify until the last token they signed has ended.
  Result<void> rotate(Timestamp time, Start start);
  // Ends a key, and with it all tokens it has signed. kNotFound for an unknown one, kConflict for
  // one that signs at `time`.
  Result<void> drop(const std::string& kid, Timestamp time);

  struct Described {
    std::string kid;
    crypto::JwsAlgorithm algorithm = crypto::JwsAlgorithm::kRs256;
    std::string_view state;  // "signing", "next", "verifying"
    Timestamp created{}, active{}, expires{};
  };
  std::vector<Described> describe(Timestamp time) const;

 private:
  struct Key {
    SigningKey stored;
    crypto::PrivateKey key;
  };
  using Keys = std::vector<Key>;

  KeyRing(db::Database::Handle handle, core::Vault& vault, KeyPolicy policy)
      : store_(std::move(handle)), vault_(vault), policy_(policy) {}
  std::shared_ptr<const Keys> keys() const { return keys_.load(); }
  Result<void> load();
  Result<void> add(crypto::JwsAlgorithm algorithm, Timestamp time, Timestamp active);
  Result<void> maintain_line(crypto::JwsAlgorithm algorithm, Timestamp time);
  Result<void> date_predecessors(crypto::JwsAlgorithm algorithm, Timestamp time);

  KeyStore store_;
  core::Vault& vault_;
  const KeyPolicy policy_;
  std::mutex mutex_;  // one change at a time
  std::atomic<std::shared_ptr<const Keys>> keys_;
  std::atomic<uint64_t> generation_{1};
  std::atomic<SteadyClock::time_point> looked_{SteadyClock::time_point()};
};

}  // namespace lazuli::identity
