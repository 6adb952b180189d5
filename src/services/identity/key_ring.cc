// SPDX-License-Identifier: Apache-2.0
#include "services/identity/key_ring.h"

#include <algorithm>

#include "base/ids.h"
#include "base/log.h"
#include "base/strings.h"
#include "crypto/jwk.h"

namespace lazuli::identity {
namespace {

using crypto::JwsAlgorithm;

constexpr auto kPauseBetweenLooks = std::chrono::seconds(1);
constexpr JwsAlgorithm kAlgorithms[] = {JwsAlgorithm::kRs256, JwsAlgorithm::kEs256};

std::string seal_context(const std::string& kid) { return "identity.signing_key/" + kid; }

}  // namespace

Result<std::unique_ptr<KeyRing>> KeyRing::create(db::Database::Handle handle, core::Vault& vault,
                                                 KeyPolicy policy) {
  std::unique_ptr<KeyRing> ring(new KeyRing(std::move(handle), vault, policy));
  TRY(ring->load());
  TRY(ring->maintain(now()));
  return ring;
}

Result<void> KeyRing::load() {
  auto fresh = std::make_shared<Keys>();
  std::shared_ptr<const Keys> known = keys();
  bool changed = known == nullptr;
  for (SigningKey& stored : TRY(store_.all())) {
    const Key* same = nullptr;
    if (known)
      for (const Key& each : *known)
        if (each.stored.kid == stored.kid) same = &each;
    if (same != nullptr) {
      fresh->push_back({std::move(stored), same->key});
      continue;
    }
    SecretString pem = TRY(vault_.open(seal_context(stored.kid), stored.sealed_pem));
    fresh->push_back({std::move(stored), TRY(crypto::PrivateKey::from_pem(pem))});
    changed = true;
  }
  changed = changed || fresh->size() != known->size();
  keys_.store(std::move(fresh));
  if (changed) generation_.fetch_add(1, std::memory_order_acq_rel);
  return {};
}

Result<void> KeyRing::add(JwsAlgorithm algorithm, Timestamp time, Timestamp active) {
  SigningKey key{new_uuid(), algorithm, {}, time, active, {}};
  auto kind =
      algorithm == JwsAlgorithm::kEs256 ? crypto::KeyKind::kEcP256 : crypto::KeyKind::kRsa2048;
  SecretString pem = crypto::PrivateKey::generate(kind).to_pem();
  key.sealed_pem = vault_.seal(seal_context(key.kid), pem.expose());
  TRY(store_.add(key));
  log::info(
      "identity", "new signing key",
      {{"kid", key.kid}, {"algorithm", to_string(algorithm)}, {"active", format_iso8601(active)}});
  return {};
}

KeyRing::Signer KeyRing::signer(JwsAlgorithm algorithm, Timestamp time) const {
  auto all = keys();
  const Key* chosen = nullptr;
  for (const Key& each : *all) {  // ordered by `active`; the first one may be a clock ahead
    if (each.stored.algorithm != algorithm) continue;
    if (chosen == nullptr || each.stored.active <= time) chosen = &each;
  }
  CHECK(chosen != nullptr);
  return {chosen->stored.kid, algorithm, chosen->key};
}

std::optional<crypto::VerificationKey> KeyRing::find(std::string_view kid) const {
  auto all = keys();
  for (const Key& each : *all)
    if (each.stored.kid == kid)
      return crypto::VerificationKey{each.key.public_key(), {each.stored.algorithm}};
  return {};
}

Json KeyRing::jwks() const {
  auto all = keys();
  Json published = Json::array();
  for (JwsAlgorithm algorithm : kAlgorithms)
    for (const Key& each : *all)
      if (each.stored.algorithm == algorithm)
        published.push_back(crypto::to_jwk(each.key.public_key(), each.stored.kid, algorithm));
  return Json::object({{"keys", std::move(published)}});
}

Result<void> KeyRing::maintain(Timestamp time) {
  std::lock_guard lock(mutex_);
  TRY(load());
  for (JwsAlgorithm algorithm : kAlgorithms) TRY(maintain_line(algorithm, time));
  return load();
}

Result<void> KeyRing::refresh() {
  std::lock_guard lock(mutex_);
  return load();
}

// Tokens with kids that nobody has are cheap to make: they must not cost a look each.
std::optional<crypto::VerificationKey> KeyRing::find_anywhere(std::string_view kid) {
  auto known = find(kid);
  if (known) return known;
  SteadyClock::time_point last = looked_.load(), time = SteadyClock::now();
  if (time - last < kPauseBetweenLooks || !looked_.compare_exchange_strong(last, time)) return {};
  if (auto looked = refresh(); !looked.ok()) {
    log::warning("identity", "the keys cannot be read", {{"why", looked.error().message}});
    return {};
  }
  return find(kid);
}

Result<void> KeyRing::rotate(Timestamp time, Start start) {
  std::lock_guard lock(mutex_);
  TRY(load());
  for (JwsAlgorithm algorithm : kAlgorithms) {
    auto all = keys();
    bool waiting = std::ranges::any_of(*all, [&](const Key& each) {
      return each.stored.algorithm == algorithm && each.stored.active > time;
    });
    if (start == Start::kAhead && !waiting) TRY(add(algorithm, time, time + policy_.ahead));
    if (start == Start::kAtOnce && waiting) TRY(store_.advance(algorithm, time));
    if (start == Start::kAtOnce && !waiting) TRY(add(algorithm, time, time));
  }
  TRY(load());
  for (JwsAlgorithm algorithm : kAlgorithms) TRY(date_predecessors(algorithm, time));
  return load();
}

Result<void> KeyRing::drop(const std::string& kid, Timestamp time) {
  std::lock_guard lock(mutex_);
  TRY(load());
  if (!find(kid)) return not_found("there is no signing key " + kid.substr(0, 64), "NotFound");
  for (JwsAlgorithm algorithm : kAlgorithms)
    if (signer(algorithm, time).kid == kid)
      return conflict("This key signs now: rotate at once first.", "KeyInUse");
  TRY(store_.remove(kid));
  log::warning("identity", "a signing key was ended with its tokens", {{"kid", kid}});
  return load();
}

std::vector<KeyRing::Described> KeyRing::describe(Timestamp time) const {
  auto all = keys();
  std::vector<Described> described;
  for (const Key& each : *all) {
    const SigningKey& key = each.stored;
    std::string_view state = key.active > time                            ? "next"
                             : signer(key.algorithm, time).kid == key.kid ? "signing"
                                                                          : "verifying";
    described.push_back({key.kid, key.algorithm, state, key.created, key.active, key.expires});
  }
  return described;
}

// Oldest first: every key but the newest has a successor whose `active` ends its signing.
Result<void> KeyRing::date_predecessors(JwsAlgorithm algorithm, Timestamp time) {
  auto all = keys();
  const Key* previous = nullptr;
  for (const Key& each : *all) {
    if (each.stored.algorithm != algorithm) continue;
    if (previous != nullptr && each.stored.active <= time) {
      Timestamp end = each.stored.active + kTokenLifetimeMax;
      if (previous->stored.expires == Timestamp{})
        TRY(store_.set_expiry(previous->stored.kid, end));
      if (end < time) TRY(store_.remove(previous->stored.kid));
    }
    previous = &each;
  }
  return {};
}

Result<void> KeyRing::maintain_line(JwsAlgorithm algorithm, Timestamp time) {
  TRY(date_predecessors(algorithm, time));
  auto all = keys();
  const Key* previous = nullptr;
  for (const Key& each : *all)
    if (each.stored.algorithm == algorithm) previous = &each;
  if (previous == nullptr) return add(algorithm, time, time);
  Timestamp next = previous->stored.active + policy_.signing;
  if (time + policy_.ahead >= next)
    return add(algorithm, time, std::max(next, time + policy_.ahead));
  return {};
}

}  // namespace lazuli::identity
