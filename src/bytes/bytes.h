// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

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

// Receives an object's content in order. Owned by one thread at a time. Destroying it unfinished
// discards what was written.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<void> append(std::span<const std::byte> data) = 0;
  // Encrypts the rest, makes file and directory entry durable (fsync), and only then returns. The
  // object exists from here on; the caller records its id in the database. A crash between the two
  // leaves an object nobody refers to, which the keeper of the references finds through list().
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

// The only place where file contents live. Content is cut into 64 KiB chunks sealed with
// AES-256-GCM under a data key of the object's own, which is wrapped by the named key; a chunk
// cannot be moved, reordered or cut off unnoticed. Thread-safe.
class Store {
 public:
  virtual ~Store() = default;
  virtual Result<std::unique_ptr<Writer>> create() = 0;
  virtual Result<std::unique_ptr<Reader>> open(const ObjectId& id) = 0;
  // Forgets an object; durable when it returns. Removing what is not there succeeds.
  virtual Result<void> remove(const ObjectId& id) = 0;
  // Names all finished objects, in no order; what is made or removed meanwhile may be among them.
  virtual Result<void> list(const std::function<Result<void>(const ObjectId&)>& visit) = 0;

  Result<ObjectInfo> put(std::span<const std::byte> data);
  Result<ObjectInfo> put(std::string_view data);
  // The whole content, refused above `size_max`.
  Result<std::string> get(const ObjectId& id, uint64_t size_max);
};

// The local-disk driver below `folder` (made 0700 if absent; holds a FORMAT file with the version;
// a newer version is refused). `root_key` (32 bytes) wraps the data keys. Leftovers of writes that
// were never finished are removed on open.
Result<std::unique_ptr<Store>> open_local(const std::string& folder, SecretBytes root_key);

}  // namespace lazuli::bytes
