// SPDX-License-Identifier: Apache-2.0
#include "bytes/segment_table.h"

#include <cstdio>

#include "base/log.h"
#include "base/strings.h"

namespace lazuli::bytes {
namespace {

constexpr size_t kOpenFilesMax = 256;
constexpr uint64_t kIndexSizeMax = uint64_t{kSegmentSizeMax};

std::string digits(uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "%010u", number);
  return text;
}

}  // namespace

std::string SegmentTable::segment_path(uint32_t number) const {
  return cat({folder_, "/", digits(number), ".seg"});
}

std::string SegmentTable::index_path(uint32_t number) const {
  return cat({folder_, "/", digits(number), ".idx"});
}

void SegmentTable::add(uint32_t number) {
  std::lock_guard lock(mutex_);
  segments_[number].epoch = epoch_;
}

void SegmentTable::add_found(uint32_t number) {
  std::lock_guard lock(mutex_);
  segments_[number].finished = true;
}

void SegmentTable::record_added(uint32_t number, RecordKind kind, uint32_t size, uint32_t end) {
  std::lock_guard lock(mutex_);
  State& state = segments_[number];
  (kind == RecordKind::kRemoval ? state.removals : state.others) += size;
  if (kind != RecordKind::kRemoval) state.live += size;
  state.end = std::max(state.end, end);
}

void SegmentTable::record_died(const Location& location) {
  std::lock_guard lock(mutex_);
  auto found = segments_.find(location.segment);
  if (found == segments_.end()) return;
  const uint64_t size = record_size(location.length);
  found->second.live -= std::min(found->second.live, size);
}

void SegmentTable::set_finished(uint32_t number) {
  std::lock_guard lock(mutex_);
  segments_[number].finished = true;
}

Result<std::shared_ptr<File>> SegmentTable::open(uint32_t number) {
  {
    std::lock_guard lock(mutex_);
    auto found = segments_.find(number);
    if (found != segments_.end() && found->second.file) return found->second.file;
  }
  std::shared_ptr<File> file = TRY(files_.open(segment_path(number)));
  std::lock_guard lock(mutex_);
  auto found = segments_.find(number);
  if (found == segments_.end() || found->second.file) return file;
  found->second.file = file;
  open_.push_back(number);
  if (open_.size() > kOpenFilesMax) {
    auto oldest = segments_.find(open_.front());
    if (oldest != segments_.end()) oldest->second.file.reset();
    open_.pop_front();
  }
  return file;
}

std::vector<uint32_t> SegmentTable::numbers() const {
  std::lock_guard lock(mutex_);
  std::vector<uint32_t> numbers;
  for (const auto& [number, state] : segments_) numbers.push_back(number);
  return numbers;
}

// Removals are needed until a segment goes whose objects they may have removed.
uint64_t SegmentTable::needed_bytes(const State& state) const {
  return state.live + (state.epoch == epoch_ ? state.removals : 0);
}

std::vector<uint32_t> SegmentTable::to_compact() const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<double, uint32_t>> found;
  for (const auto& [number, state] : segments_) {
    const uint64_t needed = needed_bytes(state);
    if (!state.finished || needed * 2 >= state.end) continue;
    found.emplace_back(static_cast<double>(needed) / state.end, number);
  }
  std::sort(found.begin(), found.end());
  std::vector<uint32_t> numbers;
  for (const auto& [share, number] : found) numbers.push_back(number);
  return numbers;
}

bool SegmentTable::has_live_records(uint32_t number) const {
  std::lock_guard lock(mutex_);
  auto found = segments_.find(number);
  return found != segments_.end() && found->second.live > 0;
}

uint64_t SegmentTable::size(uint32_t number) const {
  std::lock_guard lock(mutex_);
  auto found = segments_.find(number);
  return found == segments_.end() ? 0 : found->second.end;
}

Result<std::string> SegmentTable::read_file(const std::string& path, uint64_t size_max) {
  std::unique_ptr<File> file = TRY(files_.open(path));
  const uint64_t size = std::min(TRY(file->size()), size_max);
  std::string content(static_cast<size_t>(size), '\0');
  content.resize(TRY(file->read_at(0, std::as_writable_bytes(std::span(content)))));
  return content;
}

Result<SegmentIndex> SegmentTable::read_stored_index(uint32_t number) {
  auto index = parse_segment_index(TRY(read_file(index_path(number), kIndexSizeMax)), number);
  if (index.ok()) return index;
  log::warning("bytes", "a segment's index is damaged", {{"segment", number}});
  return not_found(std::move(index).error().message);
}

Result<SegmentIndex> SegmentTable::read_index(uint32_t number) {
  auto index = read_stored_index(number);
  if (index.ok() || index.error().code != Code::kNotFound) return index;
  return TRY(scan(number)).index;
}

Result<SegmentScan> SegmentTable::scan(uint32_t number) {
  const std::string content = TRY(read_file(segment_path(number), kSegmentSizeMax * 2ull));
  SegmentScan scan = scan_segment(content, number);
  if (scan.damaged > 0)
    log::error("bytes", "a segment is damaged", {{"segment", number}, {"bytes", scan.damaged}});
  return scan;
}

Result<void> SegmentTable::write_index(const SegmentIndex& index) {
  const std::string path = index_path(index.segment), draft = path + ".new";
  (void)files_.remove(draft);  // of a start that was cut off; mostly absent
  std::unique_ptr<File> file = TRY(files_.create(draft));
  const std::string text = make_segment_index(index);
  TRY(file->append(std::as_bytes(std::span(text))));
  TRY(file->sync());
  return files_.rename(draft, path);
}

Result<void> SegmentTable::remove(uint32_t number) {
  for (const std::string& path : {index_path(number), segment_path(number)}) {
    auto removed = files_.remove(path);
    if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
  }
  TRY(files_.sync_folder(folder_));
  std::lock_guard lock(mutex_);
  auto found = segments_.find(number);
  if (found == segments_.end()) return {};
  if (found->second.others > 0) ++epoch_;
  segments_.erase(found);
  return {};
}

void SegmentTable::removals_looked_through(uint32_t first) {
  std::lock_guard lock(mutex_);
  for (auto at = segments_.lower_bound(first); at != segments_.end(); ++at)
    at->second.epoch = epoch_;
}

}  // namespace lazuli::bytes
