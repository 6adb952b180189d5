// SPDX-License-Identifier: Apache-2.0
#include "bytes/key_ring.h"

#include "base/check.h"
#include "base/strings.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/aead.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

constexpr size_t kNameSize = 16;
constexpr size_t kScopeMax = 512;
constexpr int64_t kVersion = 1;
constexpr std::pair<KeyState, std::string_view> kStates[] = {{KeyState::kActive, "active"},
                                                             {KeyState::kRetired, "retired"},
                                                             {KeyState::kRevoked, "revoked"}};

std::string_view to_string(KeyState state) {
  for (const auto& [each, name] : kStates)
    if (each == state) return name;
  return {};
}

std::optional<KeyState> parse_state(std::string_view text) {
  for (const auto& [state, name] : kStates)
    if (name == text) return state;
  return std::nullopt;
}

// Lengths in front, so that no two records have the same.
std::string aad(std::string_view name, std::string_view scope, std::string_view state) {
  return cat({"lazuli wrapping key 1 ", to_hex(name), " ", state, " ", std::to_string(scope.size()),
              " ", scope});
}

Error corrupt_key(std::string_view name) {
  return internal_error(cat({"the wrapping key ", to_hex(name), " is damaged"}), "DataCorruption");
}

Error revoked(std::string_view scope) {
  return permission_denied(cat({"the key of '", scope, "' is revoked"}), "KeyRevoked");
}

}  // namespace

std::string make_key_record(const SecretBytes& store_key, const KeyRecord& record) {
  const std::string sealed = crypto::seal_secret(
      store_key, aad(record.name, record.scope, to_string(record.state)), record.key->expose());
  return Json::object({{"version", kVersion},
                       {"scope", record.scope},
                       {"state", to_string(record.state)},
                       {"sealed", to_base64(sealed)}})
             .dump() +
         "\n";
}

Result<KeyRecord> parse_key_record(const SecretBytes& store_key, std::string_view name,
                                   std::string_view text) {
  const auto json = Json::parse(text);
  if (!json.ok() || (*json)["version"].integer() != kVersion) return corrupt_key(name);
  const std::string scope((*json)["scope"].str());
  const auto state = parse_state((*json)["state"].str());
  const auto sealed = from_base64((*json)["sealed"].str());
  if (!state || !sealed.ok()) return corrupt_key(name);
  auto key = crypto::open_secret(store_key, aad(name, scope, to_string(*state)), *sealed);
  if (!key.ok() || key->size() != crypto::kAeadKeySize) return corrupt_key(name);
  return KeyRecord{std::string(name), scope, *state,
                   std::make_shared<const SecretBytes>(*std::move(key))};
}

Result<void> KeyRing::prepare() {
  std::lock_guard lock(mutex_);
  for (const std::string& text : TRY(records_->list())) {
    const auto name = from_hex(text);
    if (!name.ok() || name->size() != kNameSize) continue;
    const std::string record = TRY(records_->load(text));
    keys_[*name] = TRY(parse_key_record(*store_key_, *name, record));
  }
  return {};
}

KeyRecord* KeyRing::active(const std::string& scope) {
  for (auto& [name, record] : keys_)
    if (record.scope == scope && record.state == KeyState::kActive) return &record;
  return nullptr;
}

bool KeyRing::is_revoked(const std::string& scope) const {
  for (const auto& [name, record] : keys_)
    if (record.scope == scope && record.state == KeyState::kRevoked) return true;
  return false;
}

Result<void> KeyRing::save(const KeyRecord& record) {
  return records_->save(to_hex(record.name), make_key_record(*store_key_, record));
}

Result<KeyRecord*> KeyRing::make(const std::string& scope) {
  if (scope.size() > kScopeMax) return invalid_argument("a key's scope is too long");
  KeyRecord record{
      crypto::random_bytes(kNameSize), scope, KeyState::kActive,
      std::make_shared<const SecretBytes>(crypto::random_secret(crypto::kAeadKeySize))};
  TRY(save(record));
  return &(keys_[record.name] = record);
}

Result<WrappingKey> KeyRing::for_writing(const std::string& scope) {
  std::lock_guard lock(mutex_);
  if (is_revoked(scope)) return revoked(scope);
  KeyRecord* record = active(scope);
  if (record == nullptr) record = TRY(make(scope));
  return WrappingKey{record->name, record->key};
}

Result<WrappingKey> KeyRing::for_reading(std::string_view name) {
  std::lock_guard lock(mutex_);
  if (name.empty()) return WrappingKey{{}, store_key_};
  auto found = keys_.find(name);
  if (found == keys_.end()) {  // another process may have made it
    auto text = records_->load(to_hex(name));
    if (!text.ok() && text.error().code == Code::kNotFound)
      return internal_error(cat({"there is no wrapping key ", to_hex(name)}), "KeyMissing");
    const std::string record = TRY(std::move(text));
    found = keys_.emplace(name, TRY(parse_key_record(*store_key_, name, record))).first;
  }
  if (found->second.state == KeyState::kRevoked) return revoked(found->second.scope);
  return WrappingKey{found->first, found->second.key};
}

// The new key is durable before the old one stops wrapping; a crash between leaves two, of which
// either will do.
Result<void> KeyRing::rotate(const std::string& scope) {
  std::lock_guard lock(mutex_);
  if (is_revoked(scope)) return revoked(scope);
  const std::string fresh = TRY(make(scope))->name;
  for (auto& [name, record] : keys_) {
    if (record.scope != scope || name == fresh || record.state != KeyState::kActive) continue;
    record.state = KeyState::kRetired;
    TRY(save(record));
  }
  return {};
}

Result<void> KeyRing::revoke(const std::string& scope) {
  std::lock_guard lock(mutex_);
  if (active(scope) == nullptr && !is_revoked(scope)) TRY(make(scope));  // none may be made later
  for (auto& [name, record] : keys_) {
    if (record.scope != scope) continue;
    record.state = KeyState::kRevoked;
    TRY(save(record));
  }
  return {};
}

Result<void> KeyRing::restore(const std::string& scope) {
  std::lock_guard lock(mutex_);
  for (auto& [name, record] : keys_) {
    if (record.scope != scope || record.state != KeyState::kRevoked) continue;
    record.state = KeyState::kActive;
    TRY(save(record));
  }
  return {};
}

std::vector<KeyInfo> KeyRing::list() {
  std::lock_guard lock(mutex_);
  std::vector<KeyInfo> keys;
  for (const auto& [name, record] : keys_)
    keys.push_back({to_hex(name), record.scope, record.state});
  return keys;
}

}  // namespace lazuli::bytes
