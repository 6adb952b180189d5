// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace lazuli::bytes {

// Names one immutable stored object. Opaque; safe to keep in a database. Empty = no object.
using ObjectId = std::string;

// What is known of a finished object.
struct ObjectInfo {
  ObjectId id;
  uint64_t size = 0;
  std::string sha256;  // 32 raw bytes over the plain content
  std::string md5;     // 16 raw bytes, for the storage protocol's Content-MD5
};

// Digests cost more time than all else (MD5 1.6 ns a byte, SHA-256 0.7): what is not asked for
// stays empty.
struct WriteOptions {
  bool sha256 = false;
  bool md5 = true;
  std::string scope;  // whose key wraps the object's: an account, a workspace; empty: the store's
};

enum class KeyState { kActive, kRetired, kRevoked };

struct KeyInfo {
  std::string name;
  std::string scope;
  KeyState state = KeyState::kActive;
};

// The keys that wrap the objects' data keys, one of each scope at a time; the root key wraps them.
// All changes are durable when they return. Thread-safe.
class Keys {
 public:
  virtual ~Keys() = default;
  // New objects get a new key; the old ones still open what they have wrapped.
  virtual Result<void> rotate(const std::string& scope) = 0;
  // From now on nothing of the scope can be opened or written (kPermissionDenied, "KeyRevoked"),
  // but by readers and writers that are at it.
  virtual Result<void> revoke(const std::string& scope) = 0;
  virtual Result<void> restore(const std::string& scope) = 0;  // undoes revoke()
  virtual std::vector<KeyInfo> list() = 0;
};

// Receives an object's content in order. Owned by one thread at a time. Destroying it unfinished
// discards what was written.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<void> append(std::span<const std::byte> data) = 0;
  // Encrypts the rest, makes all of it durable (fsync; small objects share one), and only then
  // returns. The object exists from here on; the caller records its id in the database. A crash
  // between the two leaves an object nobody refers to, which the keeper of the references finds
  // through list().
  virtual Result<ObjectInfo> finish() = 0;
};

// Reads a finished object at random. Safe from several threads at once.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual uint64_t size() const = 0;
  // Fills `out` from `offset` as far as the object goes; returns the count (0 at the end).
  // kInternal with wire code "DataCorruption" when a chunk does not verify: never wrong bytes.
  virtual Result<size_t> read(uint64_t offset, std::span<std::byte> out) = 0;
};

// How to look through everything that is stored.
struct CheckOptions {
  uint64_t bytes_per_second_max = 0;  // 0: as fast as it goes
  bool quarantine = false;  // set aside what is damaged, so that it is refused from now on (scrub);
                            // otherwise nothing is changed (fsck)
  std::function<bool()> stop;  // asked often; true ends it early
};

struct CheckFinding {
  ObjectId object;  // empty: something else
  std::string what;
};

struct CheckReport {
  uint64_t objects = 0;  // that were read whole and found right
  uint64_t bytes = 0;    // read
  uint64_t damaged = 0;
  uint64_t quarantined = 0;  // set aside now or earlier
  uint64_t locked = 0;       // whose key is revoked: whole as far as can be told without it
  bool complete = false;     // not stopped
  std::vector<CheckFinding> findings;  // the first thousand
};

// The only place where file contents live. Content is cut into 64 KiB chunks sealed with
// AES-256-GCM under a data key of the object's own, which is wrapped by its scope's key, which is
// wrapped by the root key; a chunk cannot be moved, reordered or cut off unnoticed. Thread-safe.
class Store {
 public:
  virtual ~Store() = default;
  virtual Result<std::unique_ptr<Writer>> create(const WriteOptions& options = {}) = 0;
  virtual Result<std::unique_ptr<Reader>> open(const ObjectId& id) = 0;
  // Forgets an object; durable when it returns. Removing what is not there succeeds.
  virtual Result<void> remove(const ObjectId& id) = 0;
  // Names all finished objects, in no order; what is made or removed meanwhile may be among them.
  virtual Result<void> list(const std::function<Result<void>(const ObjectId&)>& visit) = 0;
  // Reads every object and compares what is stored with what is known of it, both ways. What is
  // made or removed meanwhile causes no finding.
  virtual Result<CheckReport> check(const CheckOptions& options = {}) = 0;
  // Gives back the room of removed objects where that takes copying; `stop` as above. Returns the
  // bytes given back. One runs at a time.
  virtual Result<uint64_t> compact(const std::function<bool()>& stop = {}) = 0;
  virtual Keys& keys() = 0;

  Result<ObjectInfo> put(std::span<const std::byte> data);
  Result<ObjectInfo> put(std::string_view data);
  // The whole content, refused above `size_max`.
  Result<std::string> get(const ObjectId& id, uint64_t size_max);
};

// The local-disk driver below `folder` (made 0700 if absent; holds a FORMAT file with the version;
// a newer version is refused, an older one taken over). `root_key` (32 bytes) wraps the keys of
// scopes. Leftovers of writes that were never finished are removed on open.
Result<std::unique_ptr<Store>> open_local(const std::string& folder, SecretBytes root_key);

}  // namespace lazuli::bytes
