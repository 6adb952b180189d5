// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "bytes/content_digests.h"
#include "bytes/local_store.h"
#include "bytes/object_sealer.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

constexpr size_t kIdBytes = 16;

class LocalWriter : public Writer {
 public:
  LocalWriter(std::shared_ptr<LocalFolder> folder, WrappingKey wrapping,
              const WriteOptions& options)
      : folder_(std::move(folder)), wrapping_(std::move(wrapping)), content_(options) {}

  ~LocalWriter() override {
    if (file_) (void)folder_->files().remove(folder_->large().staging_path(id_));
  }

  Result<void> append(std::span<const std::byte> data) override {
    CHECK(state_ == State::kOpen);
    TRY(content_.add(data));
    if (!file_ && content_.size() <= PackedObjects::kContentSizeMax) {
      small_.insert(small_.end(), data.begin(), data.end());
      return {};
    }
    auto appended = append_to_file(data);
    if (!appended.ok()) state_ = State::kBroken;  // the file ends somewhere within a chunk
    return appended;
  }

  Result<ObjectInfo> finish() override {
    if (state_ == State::kBroken) return internal_error("an earlier append failed");
    CHECK(state_ == State::kOpen);
    state_ = State::kBroken;
    TRY(folder_->health().check());
    TRY(file_ ? finish_file() : finish_small());
    return content_.finish(id_);
  }

 private:
  enum class State { kOpen, kBroken };

  Result<void> append_to_file(std::span<const std::byte> data) {
    if (!file_) {
      TRY(start_file());
      TRY(write(small_));
      small_ = {};
    }
    return write(data);
  }

  Result<void> start_file() {
    id_ = TRY(folder_->large().new_id());
    file_ = TRY(folder_->files().create(folder_->large().staging_path(id_)));
    sealer_.emplace(wrapping_, id_);
    return {};
  }

  Result<void> write(std::span<const std::byte> data) {
    while (!data.empty()) {
      const auto part = data.first(std::min(data.size(), kWriteSize));
      sealer_->add(part);
      TRY(file_->append(sealer_->sealed()));
      sealer_->clear();
      data = data.subspan(part.size());
    }
    return {};
  }

  Result<void> finish_file() {
    sealer_->finish();
    TRY(file_->append(sealer_->sealed()));
    auto synced = file_->sync();
    if (!synced.ok()) return folder_->health().fail(std::move(synced).error());
    TRY(folder_->large().publish(id_));
    file_.reset();
    return {};
  }

  Result<void> finish_small() {
    id_ = to_hex(crypto::random_bytes(kIdBytes));
    ObjectSealer sealer(wrapping_, id_);
    sealer.add(small_);
    sealer.finish();
    return folder_->packed().put(*parse_raw_id(id_), sealer.take());
  }

  static constexpr size_t kWriteSize = 256u << 10;  // plain content on its way at one time

  const std::shared_ptr<LocalFolder> folder_;
  const WrappingKey wrapping_;
  ContentDigests content_;
  std::vector<std::byte> small_;  // plain content, until there is too much of it
  ObjectId id_;
  std::unique_ptr<File> file_;  // in staging/, until it is published
  std::optional<ObjectSealer> sealer_;
  State state_ = State::kOpen;
};

}  // namespace

Result<std::unique_ptr<Writer>> make_local_writer(std::shared_ptr<LocalFolder> folder,
                                                  const WriteOptions& options) {
  WrappingKey wrapping = TRY(folder->keys().for_writing(options.scope));
  return std::make_unique<LocalWriter>(std::move(folder), std::move(wrapping), options);
}

}  // namespace lazuli::bytes
