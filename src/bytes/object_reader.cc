// SPDX-License-Identifier: Apache-2.0
#include "bytes/object_reader.h"

#include <optional>

#include "crypto/aead.h"

namespace lazuli::bytes {
namespace {

class ImageReader : public Reader {
 public:
  ImageReader(ObjectId id, ImageSource source, Header header, ChunkLayout layout)
      : id_(std::move(id)),
        source_(std::move(source)),
        key_(std::move(header.key)),
        layout_(layout),
        opener_(key_.data_key),
        aad_(chunk_aad(header.version, id_)) {
    key_.data_key = SecretBytes();  // the opener's schedule is all that is needed from here on
  }

  // Proves the size: only the true last chunk opens as one.
  Result<void> check_end() {
    std::lock_guard lock(mutex_);
    return load(layout_.chunks - 1);
  }

  uint64_t size() const override { return layout_.plain_size; }

  Result<size_t> read(uint64_t offset, std::span<std::byte> out) override {
    if (offset >= size()) return size_t{0};
    out = out.first(static_cast<size_t>(std::min<uint64_t>(out.size(), size() - offset)));
    size_t done = 0;
    std::lock_guard lock(mutex_);
    while (done < out.size()) done += TRY(read_piece(offset + done, out.subspan(done)));
    return done;
  }

 private:
  // Up to the end of the chunk that holds `offset`. Whole chunks go straight into `out`.
  Result<size_t> read_piece(uint64_t offset, std::span<std::byte> out) {
    uint64_t chunk = offset / kChunkSize;
    size_t within = static_cast<size_t>(offset % kChunkSize);
    size_t size = layout_.chunk_size(chunk);
    size_t count = std::min(out.size(), size - within);
    if (count == size && loaded_ != chunk) {
      TRY(open_chunk(chunk, out.first(size)));
      return size;
    }
    TRY(load(chunk));
    std::memcpy(out.data(), plain_.data() + within, count);
    return count;
  }

  Result<void> load(uint64_t chunk) {
    if (loaded_ == chunk) return {};
    loaded_.reset();
    plain_.resize(layout_.chunk_size(chunk));
    TRY(open_chunk(chunk, plain_));
    loaded_ = chunk;
    return {};
  }

  Result<void> open_chunk(uint64_t chunk, std::span<std::byte> out) {
    sealed_.resize(out.size() + crypto::kAeadTagSize);
    size_t count = TRY(source_.read_at(layout_.offset(chunk), sealed_));
    if (count != sealed_.size()) return corrupt(id_, "ends too early");
    std::string nonce = key_.nonce(chunk, layout_.is_last(chunk));
    if (!opener_.open(nonce, aad_, sealed_, out))
      return corrupt(id_, "has a chunk that does not verify");
    return {};
  }

  const ObjectId id_;
  const ImageSource source_;
  ObjectKey key_;
  const ChunkLayout layout_;
  std::mutex mutex_;
  crypto::Opener opener_;
  const std::string aad_;
  std::vector<std::byte> sealed_;
  std::vector<std::byte> plain_;    // the chunk `loaded_`
  std::optional<uint64_t> loaded_;  // nothing while `plain_` is not whole
};

}  // namespace

Result<std::unique_ptr<Reader>> open_image(const FindKey& find_key, const ObjectId& id,
                                           ImageSource source) {
  // A small image is read at once.
  auto start = std::make_shared<std::string>(
      static_cast<size_t>(std::min<uint64_t>(source.size, kHeaderSize + kSealedChunkSize)), '\0');
  const bool whole = start->size() == source.size;
  if (!whole) start->resize(kHeaderSize);  // larger than a small image's: enough of any version
  if (TRY(source.read_at(0, std::as_writable_bytes(std::span(*start)))) != start->size())
    return corrupt(id, "ends too early");
  Header header = TRY(open_header(find_key, id, *start));
  auto layout = ChunkLayout::of_image(header.size, source.size);
  if (!layout.ok()) return corrupt(id, layout.error().message);
  if (whole)
    source.read_at = [start](uint64_t offset, std::span<std::byte> out) -> Result<size_t> {
      const size_t at = static_cast<size_t>(std::min<uint64_t>(offset, start->size()));
      const size_t count = std::min(out.size(), start->size() - at);
      std::memcpy(out.data(), start->data() + at, count);
      return count;
    };
  auto reader = std::make_unique<ImageReader>(id, std::move(source), std::move(header), *layout);
  TRY(reader->check_end());
  return reader;
}

}  // namespace lazuli::bytes
