// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/aead.h"

// An object's file, version 1:
//
//   8  magic "LAZOBJ\0\1" (the last byte is the version)
//   7  nonce prefix, random
//   1  zero
//  60  the data key, sealed under the store's key; additional data: the 16 bytes before and the id
//   n  chunks of 64 KiB, the last one shorter (or empty, in an empty object), each with its GCM tag
//
// This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): a chunk's nonce is
// prefix, chunk number (32 bit) and whether it is the last; its additional data are version and id.
// So no chunk can be changed, moved, left out, or taken from another object, and no end cut off.
namespace lazuli::bytes {

inline constexpr size_t kChunkSize = 64u << 10;
inline constexpr size_t kSealedChunkSize = kChunkSize + crypto::kAeadTagSize;
inline constexpr size_t kNoncePrefixSize = 7;
inline constexpr size_t kHeaderSize = 16 + 60;
inline constexpr uint64_t kObjectSizeMax = (uint64_t{1} << 32) * kChunkSize;

// Where the chunks of a file of a given size lie.
struct ChunkLayout {
  uint64_t chunks = 0;
  uint64_t plain_size = 0;

  // Nothing if no object has a file of this size.
  static Result<ChunkLayout> of_file(uint64_t file_size);
  uint64_t file_offset(uint64_t chunk) const { return kHeaderSize + chunk * kSealedChunkSize; }
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

std::string chunk_aad(std::string_view id);

std::string make_header(const SecretBytes& store_key, std::string_view id, const ObjectKey& key);
Result<ObjectKey> open_header(const SecretBytes& store_key, std::string_view id,
                              std::string_view header);

// kInternal, "DataCorruption".
Error corrupt(std::string_view id, std::string_view why);

}  // namespace lazuli::bytes
