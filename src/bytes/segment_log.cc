// SPDX-License-Identifier: Apache-2.0
#include "bytes/segment_log.h"

#include "base/check.h"
#include "base/log.h"

namespace lazuli::bytes {
namespace {

constexpr uint64_t kRoundBytesMax = 16u << 20;
constexpr size_t kBufferKept = 1u << 20;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

Record Record::make(RecordKind kind, const RawId& id, std::vector<std::byte> body) {
  Record record{kind, id, std::move(body), {}, std::nullopt};
  record.digest =
      record_digest({reinterpret_cast<const char*>(record.body.data()), record.body.size()});
  return record;
}

uint32_t SegmentLog::active_number() const {
  std::lock_guard lock(mutex_);
  return next_number_ - 1;
}

Result<void> SegmentLog::commit(std::span<Record> records) {
  if (records.empty()) return {};
  TRY(health_.check());
  std::unique_lock lock(mutex_);
  const std::shared_ptr<Round> round = join(lock, records);
  while (!round->done) {
    if (writing_)
      round->changed.wait(lock);
    else
      lead(lock, *round);
  }
  if (round->error) return *round->error;
  return {};
}

std::shared_ptr<SegmentLog::Round> SegmentLog::join(std::unique_lock<std::mutex>& lock,
                                                    std::span<Record> records) {
  uint64_t bytes = 0;
  for (const Record& record : records)
    bytes += record_size(static_cast<uint32_t>(record.body.size()));
  CHECK(bytes <= kRoundBytesMax);
  room_.wait(lock, [&] { return waiting_->bytes + bytes <= kRoundBytesMax; });
  for (Record& record : records) waiting_->records.push_back(&record);
  waiting_->bytes += bytes;
  return waiting_;
}

// Whoever finds nobody writing writes for all that wait. Nobody leads twice: the next round has
// leaders of its own.
void SegmentLog::lead(std::unique_lock<std::mutex>& lock, Round& round) {
  CHECK(&round == waiting_.get());
  writing_ = true;
  waiting_ = std::make_shared<Round>();
  room_.notify_all();
  lock.unlock();
  auto written = write(round);
  lock.lock();
  writing_ = false;
  round.done = true;
  if (!written.ok()) round.error = std::move(written).error();
  round.changed.notify_all();
  waiting_->changed.notify_one();
}

Result<void> SegmentLog::write(Round& round) {
  TRY(health_.check());
  TRY(prepare_segment(round.bytes));
  compose(round);
  if (placed_.empty()) return {};
  auto appended = file_->append(buffer_);
  if (!appended.ok()) {
    finish_segment();  // what stands behind its end is unknown
    return appended;
  }
  auto synced = file_->sync();
  if (!synced.ok()) return health_.fail(std::move(synced).error());
  publish();
  return {};
}

Result<void> SegmentLog::prepare_segment(uint64_t bytes) {
  if (file_ && segment_.end + bytes > kSegmentSizeMax) finish_segment();
  if (file_) return {};
  uint32_t number = 0;
  {
    std::lock_guard lock(mutex_);
    number = next_number_++;
  }
  return make_segment(number);
}

// The file and its entry are durable before a record is.
Result<void> SegmentLog::make_segment(uint32_t number) {
  const std::string path = table_.segment_path(number);
  std::unique_ptr<File> file = TRY(files_.create(path));
  auto begun = file->append(bytes_of(make_segment_header(number)));
  if (!begun.ok()) {
    (void)files_.remove(path);  // a full disk must not fill with beginnings
    return begun;
  }
  auto synced = file->sync();
  if (synced.ok()) synced = files_.sync_folder(table_.folder());
  if (!synced.ok()) return health_.fail(std::move(synced).error());
  table_.add(number);
  file_ = std::move(file);
  segment_ = {number, kSegmentHeaderSize, {}};
  return {};
}

void SegmentLog::compose(const Round& round) {
  buffer_.clear();
  placed_.clear();
  if (buffer_.capacity() > kBufferKept && round.bytes <= kBufferKept) buffer_.shrink_to_fit();
  buffer_.reserve(round.bytes);
  for (const Record* record : round.records) {
    if (record->replaces && index_.find(record->id) != record->replaces) continue;
    add(*record, segment_.end + static_cast<uint32_t>(buffer_.size()));
  }
}

void SegmentLog::add(const Record& record, uint32_t offset) {
  const auto length = static_cast<uint32_t>(record.body.size());
  const std::string header = make_record_header(
      {record.kind, length, segment_.end, segment_.segment, record.id, record.digest});
  const auto head = bytes_of(header);
  buffer_.insert(buffer_.end(), head.begin(), head.end());
  buffer_.insert(buffer_.end(), record.body.begin(), record.body.end());
  buffer_.resize(offset - segment_.end + record_size(length));
  placed_.push_back(
      {&record, {segment_.segment, offset, length, record.kind == RecordKind::kQuarantine}});
}

void SegmentLog::publish() {
  segment_.end += static_cast<uint32_t>(buffer_.size());
  for (const Placed& placed : placed_) publish(placed);
  placed_.clear();
}

void SegmentLog::publish(const Placed& placed) {
  const auto& [record, location] = placed;
  const uint32_t size = record_size(location.length);
  segment_.entries.push_back({record->id, location.offset, location.length, record->kind});
  table_.record_added(location.segment, record->kind, size, location.offset + size);
  if (record->kind == RecordKind::kRemoval) {
    if (auto before = index_.erase(record->id)) table_.record_died(*before);
  } else if (record->replaces) {
    const bool moved = index_.replace(record->id, *record->replaces, location);
    table_.record_died(moved ? *record->replaces : location);
  } else if (auto before = index_.insert(record->id, location)) {
    table_.record_died(*before);
  }
}

// An index that cannot be written is made at the next start.
void SegmentLog::finish_segment() {
  if (!file_) return;
  file_.reset();
  table_.set_finished(segment_.segment);
  auto written = table_.write_index(segment_);
  if (!written.ok())
    log::warning("bytes", "could not write a segment's index",
                 {{"segment", segment_.segment}, {"error", written.error().message}});
  segment_ = {};
}

}  // namespace lazuli::bytes
