// SPDX-License-Identifier: Apache-2.0
#include "bytes/local_store.h"
#include "bytes/object_format.h"
#include "crypto/aead.h"
#include "crypto/digest.h"

namespace lazuli::bytes {
namespace {

class LocalWriter : public Writer {
 public:
  LocalWriter(std::shared_ptr<LocalFolder> folder, ObjectId id, std::unique_ptr<File> file)
      : folder_(std::move(folder)),
        id_(std::move(id)),
        file_(std::move(file)),
        key_(ObjectKey::generate()),
        sealer_(key_.data_key),
        aad_(chunk_aad(id_)) {
    std::string header = make_header(folder_->store_key(), id_, key_);
    auto bytes = std::as_bytes(std::span(header));
    unwritten_.assign(bytes.begin(), bytes.end());
    key_.data_key = SecretBytes();  // the sealer's schedule is all that is needed from here on
  }

  ~LocalWriter() override {
    if (state_ != State::kFinished) (void)folder_->files().remove(folder_->staging_path(id_));
  }

  Result<void> append(std::span<const std::byte> data) override {
    CHECK(state_ == State::kOpen);
    if (size_ + data.size() > kObjectSizeMax)
      return Error{
          Code::kPayloadTooLarge, "RequestBodyTooLarge", "the object is too large", {}, {}};
    sha256_.update(data);
    md5_.update(data);
    size_ += data.size();
    auto appended = add_chunks(data);
    if (!appended.ok()) state_ = State::kBroken;  // the file ends somewhere within a chunk
    return appended;
  }

  Result<ObjectInfo> finish() override {
    if (state_ == State::kBroken) return internal_error("an earlier append failed");
    CHECK(state_ == State::kOpen);
    state_ = State::kBroken;
    TRY(folder_->check_healthy());
    TRY(write_chunk(chunk_, /*last=*/true));
    auto synced = file_->sync();
    if (!synced.ok()) return folder_->fail(std::move(synced).error());
    file_.reset();
    TRY(folder_->publish(id_));
    state_ = State::kFinished;
    return ObjectInfo{id_, size_, sha256_.finish(), md5_.finish()};
  }

 private:
  enum class State { kOpen, kBroken, kFinished };

  // A full chunk is kept back until more data show that it is not the last.
  Result<void> add_chunks(std::span<const std::byte> data) {
    while (!data.empty()) {
      if (chunk_.size() == kChunkSize) {
        TRY(write_chunk(chunk_, /*last=*/false));
        chunk_.clear();
      }
      if (chunk_.empty() && data.size() > kChunkSize) {
        TRY(write_chunk(data.first(kChunkSize), /*last=*/false));
        data = data.subspan(kChunkSize);
        continue;
      }
      auto part = data.first(std::min(data.size(), kChunkSize - chunk_.size()));
      chunk_.insert(chunk_.end(), part.begin(), part.end());
      data = data.subspan(part.size());
    }
    return {};
  }

  Result<void> write_chunk(std::span<const std::byte> plain, bool last) {
    size_t start = unwritten_.size();
    unwritten_.resize(start + plain.size() + crypto::kAeadTagSize);
    sealer_.seal(key_.nonce(chunks_++, last), aad_, plain, std::span(unwritten_).subspan(start));
    TRY(file_->append(unwritten_));
    unwritten_.clear();
    return {};
  }

  std::shared_ptr<LocalFolder> folder_;
  ObjectId id_;
  std::unique_ptr<File> file_;
  ObjectKey key_;
  crypto::Sealer sealer_;
  std::string aad_;
  crypto::Hasher sha256_{crypto::DigestKind::kSha256};
  crypto::Hasher md5_{crypto::DigestKind::kMd5};
  std::vector<std::byte> chunk_;      // plain content of the chunk that grows
  std::vector<std::byte> unwritten_;  // header and sealed chunk on their way to the file
  uint64_t size_ = 0;
  uint64_t chunks_ = 0;
  State state_ = State::kOpen;
};

}  // namespace

std::unique_ptr<Writer> make_local_writer(std::shared_ptr<LocalFolder> folder, ObjectId id,
                                          std::unique_ptr<File> file) {
  return std::make_unique<LocalWriter>(std::move(folder), std::move(id), std::move(file));
}

}  // namespace lazuli::bytes
