// SPDX-License-Identifier: Apache-2.0
#include "bytes/object_sealer.h"

namespace lazuli::bytes {

ObjectSealer::ObjectSealer(const WrappingKey& wrapping, std::string_view id)
    : key_(ObjectKey::generate()),
      sealer_(key_.data_key),
      aad_(chunk_aad(wrapping.name.empty() ? 1 : 2, id)) {
  const std::string header = make_header(wrapping, id, key_);
  const auto bytes = std::as_bytes(std::span(header));
  image_.assign(bytes.begin(), bytes.end());
  key_.data_key = SecretBytes();  // the sealer's schedule is all that is needed from here on
}

void ObjectSealer::add(std::span<const std::byte> data) {
  image_.reserve(image_.size() + data.size() + kSealedChunkSize);
  while (!data.empty()) {
    if (chunk_.size() == kChunkSize) {
      seal(chunk_, /*last=*/false);
      chunk_.clear();
    }
    if (chunk_.empty() && data.size() > kChunkSize) {
      seal(data.first(kChunkSize), /*last=*/false);
      data = data.subspan(kChunkSize);
      continue;
    }
    auto part = data.first(std::min(data.size(), kChunkSize - chunk_.size()));
    chunk_.insert(chunk_.end(), part.begin(), part.end());
    data = data.subspan(part.size());
  }
}

void ObjectSealer::finish() { seal(chunk_, /*last=*/true); }

void ObjectSealer::seal(std::span<const std::byte> plain, bool last) {
  const size_t start = image_.size();
  image_.resize(start + plain.size() + crypto::kAeadTagSize);
  sealer_.seal(key_.nonce(chunks_++, last), aad_, plain, std::span(image_).subspan(start));
}

}  // namespace lazuli::bytes
