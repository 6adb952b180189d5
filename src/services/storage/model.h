// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "bytes/bytes.h"

namespace lazuli::storage {

using Metadata = std::map<std::string, std::string>;

struct Container {
  int64_t id = 0;
  std::string account, name;
  uint64_t etag = 0;
  Timestamp modified{};
  Metadata metadata;
};

// What clients set and get back unchanged.
struct ContentHeaders {
  std::string type, encoding, language, disposition, cache_control;
  std::string md5;  // raw 16 bytes, or empty
};

struct Blob {
  int64_t id = 0;
  int64_t container_id = 0;
  std::string name;
  uint64_t size = 0;
  uint64_t etag = 0;
  ContentHeaders content;
  Metadata metadata;
  Timestamp created{}, modified{};
};

// A piece of a blob's content: a whole stored object. A blob is its segments in order of `start`.
struct Segment {
  bytes::ObjectId object;
  uint64_t start = 0;
  uint64_t size = 0;
  std::string block_id;  // as the client named it; empty for Put Blob and appended content
};

// A block that is staged, or one that a committed blob is made of.
struct Block {
  std::string id;
  bytes::ObjectId object;
  uint64_t size = 0;
};

// What a write gives a blob besides its content.
struct BlobAttributes {
  ContentHeaders content;
  Metadata metadata;
};

}  // namespace lazuli::storage
