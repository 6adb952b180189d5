// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "bytes/key_ring.h"
#include "crypto/aead.h"

// An object's image, version 2:
//
//   8  magic "LAZOBJ\0\2" (the last byte is the version)
//   7  nonce prefix, random
//   1  zero
//  16  name of the wrapping key
//  60  the data key, sealed under that key; additional data: the 32 bytes before and the id
//   n  chunks of 64 KiB, the last one shorter (or empty, in an empty object), each with its GCM tag
//
// Version 1 has no name there: the store's own key wrapped all data keys.
//
// This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): a chunk's nonce is
// prefix, chunk number (32 bit) and whether it is the last; its additional data are version and id.
// So no chunk can be changed, moved, left out, or taken from another object, and no end cut off.
namespace lazuli::bytes {

inline constexpr size_t kChunkSize = 64u << 10;
inline constexpr size_t kSealedChunkSize = kChunkSize + crypto::kAeadTagSize;
inline constexpr size_t kNoncePrefixSize = 7;
inline constexpr size_t kHeaderSizeMin = 16 + 60;  // of version 1
inline constexpr size_t kHeaderSize = 32 + 60;
inline constexpr uint64_t kObjectSizeMax = (uint64_t{1} << 32) * kChunkSize;

// Where the chunks of an image of a given size lie.
struct ChunkLayout {
  uint64_t header_size = kHeaderSize;
  uint64_t chunks = 0;
  uint64_t plain_size = 0;

  // Nothing if no object has an image of this size.
  static Result<ChunkLayout> of_image(uint64_t header_size, uint64_t image_size);
  uint64_t offset(uint64_t chunk) const { return header_size + chunk * kSealedChunkSize; }
  size_t chunk_size(uint64_t chunk) const;
  bool is_last(uint64_t chunk) const { return chunk + 1 == chunks; }
};

// What seals and opens an object's chunks.
struct ObjectKey {
  SecretBytes data_key;
  std::string nonce_prefix;

  static ObjectKey generate();
  std::string nonce(uint64_t chunk, bool last) const;
};

std::string chunk_aad(char version, std::string_view id);

struct Header {
  char version = 0;
  size_t size = 0;
  ObjectKey key;
};

// Of version 2, or of version 1 if the wrapping key has no name.
std::string make_header(const WrappingKey& wrapping, std::string_view id, const ObjectKey& key);
using FindKey = std::function<Result<WrappingKey>(std::string_view name)>;
// `image` begins with the header. What the key's finder refuses is passed on.
Result<Header> open_header(const FindKey& find_key, std::string_view id, std::string_view image);

// kInternal, "DataCorruption".
Error corrupt(std::string_view id, std::string_view why);

}  // namespace lazuli::bytes
