// SPDX-License-Identifier: Apache-2.0
#include "bytes/object_format.h"

#include "base/check.h"
#include "base/strings.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

constexpr std::string_view kMagic("LAZOBJ\0", 7);
constexpr char kFirstVersion = 1;
constexpr char kVersion = 2;
constexpr size_t kPrefixEnd = 16;
constexpr size_t kKeyNameSize = 16;

}  // namespace

Result<ChunkLayout> ChunkLayout::of_image(uint64_t header_size, uint64_t image_size) {
  if (image_size < header_size + crypto::kAeadTagSize) return internal_error("is too short");
  uint64_t body = image_size - header_size;
  ChunkLayout layout;
  layout.header_size = header_size;
  layout.chunks = (body + kSealedChunkSize - 1) / kSealedChunkSize;
  uint64_t last = body - (layout.chunks - 1) * kSealedChunkSize;
  bool alone = layout.chunks == 1;
  if (last < crypto::kAeadTagSize || (last == crypto::kAeadTagSize && !alone))
    return internal_error("ends within a chunk");
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

std::string chunk_aad(char version, std::string_view id) { return cat({{&version, 1}, id}); }

std::string make_header(const WrappingKey& wrapping, std::string_view id, const ObjectKey& key) {
  CHECK(wrapping.name.empty() || wrapping.name.size() == kKeyNameSize);
  const char version = wrapping.name.empty() ? kFirstVersion : kVersion;
  std::string header = cat({kMagic, {&version, 1}, key.nonce_prefix, {"\0", 1}, wrapping.name});
  header += crypto::seal_secret(*wrapping.key, cat({header, id}), key.data_key.expose());
  CHECK(header.size() == (wrapping.name.empty() ? kHeaderSizeMin : kHeaderSize));
  return header;
}

Result<Header> open_header(const FindKey& find_key, std::string_view id, std::string_view image) {
  if (image.size() < kHeaderSizeMin || !image.starts_with(kMagic))
    return corrupt(id, "has no object's header");
  Header header;
  header.version = image[kMagic.size()];
  if (header.version != kFirstVersion && header.version != kVersion)
    return corrupt(id, "has a format version that this release does not know");
  header.size = header.version == kFirstVersion ? kHeaderSizeMin : kHeaderSize;
  if (image.size() < header.size) return corrupt(id, "ends within its header");
  const std::string_view name =
      image.substr(kPrefixEnd, header.version == kFirstVersion ? 0 : kKeyNameSize);
  const std::string_view clear = image.substr(0, kPrefixEnd + name.size());
  const WrappingKey wrapping = TRY(find_key(name));
  auto data_key = crypto::open_secret(*wrapping.key, cat({clear, id}),
                                      image.substr(clear.size(), header.size - clear.size()));
  if (!data_key.ok()) return corrupt(id, "has a header that does not verify");
  header.key = {*std::move(data_key),
                std::string(clear.substr(kMagic.size() + 1, kNoncePrefixSize))};
  return header;
}

Error corrupt(std::string_view id, std::string_view why) {
  return internal_error(cat({"stored object ", id, " ", why}), "DataCorruption");
}

}  // namespace lazuli::bytes
