// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "bytes/bytes.h"

namespace lazuli::bytes {

// A key that wraps objects' data keys. Its name, 16 raw bytes, stands in the objects' headers; the
// store's own key, which wrapped those of the first format, has none.
struct WrappingKey {
  std::string name;
  std::shared_ptr<const SecretBytes> key;
};

// Where the keys' records are kept: small named texts. Thread-safe.
class KeyRecords {
 public:
  virtual ~KeyRecords() = default;
  virtual Result<std::vector<std::string>> list() = 0;
  virtual Result<std::string> load(const std::string& name) = 0;
  // Replaces what is there as a whole, durably.
  virtual Result<void> save(const std::string& name, const std::string& text) = 0;
};

// A record: JSON with scope and state, and the key sealed under the store's key, bound to both.
struct KeyRecord {
  std::string name;  // 16 raw bytes
  std::string scope;
  KeyState state = KeyState::kActive;
  std::shared_ptr<const SecretBytes> key;
};
std::string make_key_record(const SecretBytes& store_key, const KeyRecord& record);
// kInternal, "DataCorruption" unless it is as it was written under this key and name.
Result<KeyRecord> parse_key_record(const SecretBytes& store_key, std::string_view name,
                                   std::string_view text);

// The wrapping keys of a store, below the key that the root key yields. Thread-safe.
class KeyRing : public Keys {
 public:
  KeyRing(std::unique_ptr<KeyRecords> records, std::shared_ptr<const SecretBytes> store_key)
      : records_(std::move(records)), store_key_(std::move(store_key)) {}

  Result<void> prepare();
  // The scope's present key, made durably if there is none. kPermissionDenied, "KeyRevoked".
  Result<WrappingKey> for_writing(const std::string& scope);
  // `name` as a header has it. kPermissionDenied, "KeyRevoked"; kInternal, "KeyMissing".
  Result<WrappingKey> for_reading(std::string_view name);

  Result<void> rotate(const std::string& scope) override;
  Result<void> revoke(const std::string& scope) override;
  Result<void> restore(const std::string& scope) override;
  std::vector<KeyInfo> list() override;

 private:
  KeyRecord* active(const std::string& scope);
  bool is_revoked(const std::string& scope) const;
  Result<void> save(const KeyRecord& record);
  Result<KeyRecord*> make(const std::string& scope);

  const std::unique_ptr<KeyRecords> records_;
  std::shared_ptr<const SecretBytes> store_key_;
  std::mutex mutex_;
  std::map<std::string, KeyRecord, std::less<>> keys_;  // by name
};

}  // namespace lazuli::bytes
