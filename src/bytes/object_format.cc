// SPDX-License-Identifier: Apache-2.0
#include "bytes/object_format.h"

#include "base/check.h"
#include "base/strings.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

constexpr std::string_view kMagic("LAZOBJ\0", 7);
constexpr char kVersion = 1;
constexpr size_t kPrefixEnd = 16;

}  // namespace

Result<ChunkLayout> ChunkLayout::of_file(uint64_t file_size) {
  if (file_size < kHeaderSize + crypto::kAeadTagSize)
    return internal_error("the file is too short");
  uint64_t body = file_size - kHeaderSize;
  ChunkLayout layout;
  layout.chunks = (body + kSealedChunkSize - 1) / kSealedChunkSize;
  uint64_t last = body - (layout.chunks - 1) * kSealedChunkSize;
  bool alone = layout.chunks == 1;
  if (last < crypto::kAeadTagSize || (last == crypto::kAeadTagSize && !alone))
    return internal_error("the file ends within a chunk");
  layout.plain_size = body - layout.chunks * crypto::kAeadTagSize;
  return layout;
}

size_t ChunkLayout::chunk_size(uint64_t chunk) const {
  CHECK(chunk < chunks);
  return is_last(chunk) ? static_cast<size_t>(plain_size - chunk * kChunkSize) : kChunkSize;
}

ObjectKey ObjectKey::generate() {
  return {crypto::random_secret(crypto::kAeadKeySize), crypto::random_bytes(kNoncePrefixSize)};
}

std::string ObjectKey::nonce(uint64_t chunk, bool last) const {
  CHECK(chunk <= UINT32_MAX);
  std::string out = nonce_prefix;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(chunk >> shift & 255);
  out += last ? '\1' : '\0';
  return out;
}

std::string chunk_aad(std::string_view id) { return cat({{&kVersion, 1}, id}); }

std::string make_header(const SecretBytes& store_key, std::string_view id, const ObjectKey& key) {
  std::string header = cat({kMagic, {&kVersion, 1}, key.nonce_prefix, {"\0", 1}});
  header += crypto::seal_secret(store_key, cat({header, id}), key.data_key.expose());
  CHECK(header.size() == kHeaderSize);
  return header;
}

Result<ObjectKey> open_header(const SecretBytes& store_key, std::string_view id,
                              std::string_view header) {
  if (header.size() != kHeaderSize || !header.starts_with(kMagic))
    return corrupt(id, "is not an object's file");
  if (header[kMagic.size()] != kVersion)
    return corrupt(id, "has a format version that this release does not know");
  std::string_view clear = header.substr(0, kPrefixEnd);
  auto data_key = crypto::open_secret(store_key, cat({clear, id}), header.substr(kPrefixEnd));
  if (!data_key.ok()) return corrupt(id, "has a header that does not verify");
  return ObjectKey{*std::move(data_key),
                   std::string(clear.substr(kMagic.size() + 1, kNoncePrefixSize))};
}

Error corrupt(std::string_view id, std::string_view why) {
  return internal_error(cat({"stored object ", id, " ", why}), "DataCorruption");
}

}  // namespace lazuli::bytes
