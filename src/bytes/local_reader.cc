// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "bytes/local_store.h"
#include "bytes/object_format.h"
#include "crypto/aead.h"

namespace lazuli::bytes {
namespace {

class LocalReader : public Reader {
 public:
  LocalReader(ObjectId id, std::unique_ptr<File> file, ObjectKey key, ChunkLayout layout)
      : id_(std::move(id)),
        file_(std::move(file)),
        key_(std::move(key)),
        layout_(layout),
        opener_(key_.data_key),
        aad_(chunk_aad(id_)) {
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
    size_t count = TRY(file_->read_at(layout_.file_offset(chunk), sealed_));
    if (count != sealed_.size()) return corrupt(id_, "ends too early");
    std::string nonce = key_.nonce(chunk, layout_.is_last(chunk));
    if (!opener_.open(nonce, aad_, sealed_, out))
      return corrupt(id_, "has a chunk that does not verify");
    return {};
  }

  const ObjectId id_;
  const std::unique_ptr<File> file_;
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

Result<std::unique_ptr<Reader>> open_local_reader(LocalFolder& folder, const ObjectId& id) {
  if (!LocalFolder::is_object_id(id)) return not_found("there is no such stored object");
  auto file = folder.files().open(folder.object_path(id));
  if (!file.ok() && file.error().code == Code::kNotFound)
    return not_found("there is no such stored object");
  if (!file.ok()) return std::move(file).error();
  std::string header(kHeaderSize, '\0');
  header.resize(TRY((*file)->read_at(0, std::as_writable_bytes(std::span(header)))));
  ObjectKey key = TRY(open_header(folder.store_key(), id, header));
  auto layout = ChunkLayout::of_file(TRY((*file)->size()));
  if (!layout.ok()) return corrupt(id, layout.error().message);
  auto reader = std::make_unique<LocalReader>(id, *std::move(file), std::move(key), *layout);
  TRY(reader->check_end());
  return reader;
}

}  // namespace lazuli::bytes
