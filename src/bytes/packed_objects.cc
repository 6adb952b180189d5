// SPDX-License-Identifier: Apache-2.0
#include "bytes/packed_objects.h"

#include "base/log.h"
#include "base/strings.h"

namespace lazuli::bytes {
namespace {

std::string_view as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Location location_of(uint32_t segment, const SegmentEntry& entry) {
  return {segment, entry.offset, entry.length, entry.kind == RecordKind::kQuarantine};
}

}  // namespace

Result<void> PackedObjects::prepare() {
  TRY(files_.make_folder(table_.folder()));
  TRY(files_.make_folder(quarantine_));
  // A segment that is gone must not come back, nor one that is there go.
  auto synced = files_.sync_folder(table_.folder());
  if (!synced.ok()) return health_.fail(std::move(synced).error());
  const std::set<uint32_t> numbers = TRY(list_segments());
  for (uint32_t number : numbers) TRY(load(number));
  settle();
  for (uint32_t number : numbers) TRY(drop_empty(number));
  log_.start_at(numbers.empty() ? 1 : *numbers.rbegin() + 1);
  return {};
}

// A segment is known by either of its files; drafts of indexes are leftovers.
Result<std::set<uint32_t>> PackedObjects::list_segments() {
  std::set<uint32_t> numbers;
  for (const std::string& name : TRY(files_.list(table_.folder()))) {
    const size_t dot = name.find('.');
    const auto number = parse_int(std::string_view(name).substr(0, dot));
    const std::string suffix = dot == name.npos ? "" : name.substr(dot);
    if (suffix == ".idx.new") {
      TRY(files_.remove(cat({table_.folder(), "/", name})));
    } else if (number && *number > 0 && *number < UINT32_MAX &&
               (suffix == ".seg" || suffix == ".idx")) {
      numbers.insert(static_cast<uint32_t>(*number));
    } else {
      log::warning("bytes", "a foreign file among the segments", {{"name", name}});
    }
  }
  return numbers;
}

Result<void> PackedObjects::load(uint32_t number) {
  auto index = table_.read_stored_index(number);
  if (!index.ok() && index.error().code != Code::kNotFound) return std::move(index).error();
  if (!index.ok()) index = TRY(recover(number));
  table_.add_found(number);
  for (const SegmentEntry& entry : index->entries) take(number, entry);
  return {};
}

// After a crash: what can be read may not be durable yet, and is relied on from now on.
Result<SegmentIndex> PackedObjects::recover(uint32_t number) {
  auto file = files_.open(table_.segment_path(number));
  if (!file.ok() && file.error().code == Code::kNotFound) return SegmentIndex{number, 0, {}};
  if (!file.ok()) return std::move(file).error();
  auto synced = (*file)->sync();
  if (!synced.ok()) return health_.fail(std::move(synced).error());
  SegmentScan scan = TRY(table_.scan(number));
  log::info("bytes", "read a segment without an index",
            {{"segment", number}, {"records", scan.index.entries.size()}});
  TRY(table_.write_index(scan.index));
  return std::move(scan.index);
}

void PackedObjects::take(uint32_t segment, const SegmentEntry& entry) {
  const uint32_t size = record_size(entry.length);
  table_.record_added(segment, entry.kind, size, entry.offset + size);
  const Location location = location_of(segment, entry);
  if (entry.kind == RecordKind::kRemoval)
    loaded_.removed.push_back(entry.id);
  else if (entry.kind == RecordKind::kQuarantine)
    loaded_.quarantined.emplace_back(entry.id, location);
  else
    place(entry.id, location);
}

void PackedObjects::place(const RawId& id, const Location& location) {
  if (auto before = index_.insert(id, location)) table_.record_died(*before);
}

// An id is never used twice: a removal holds whatever else is said, and before or after what.
void PackedObjects::settle() {
  for (const auto& [id, location] : loaded_.quarantined) place(id, location);
  for (const RawId& id : loaded_.removed)
    if (auto before = index_.erase(id)) table_.record_died(*before);
  loaded_ = {};
}

// What is left of a crash: a segment without a sound record, or an index whose segment is gone.
Result<void> PackedObjects::drop_empty(uint32_t number) {
  auto file = table_.open(number);
  if (!file.ok() && file.error().code != Code::kNotFound) return std::move(file).error();
  if (!file.ok()) {
    if (!table_.has_live_records(number)) return table_.remove(number);
    log::error("bytes", "a segment is missing: its objects are refused", {{"segment", number}});
    return {};
  }
  if (table_.size(number) > kSegmentHeaderSize) return {};
  if (TRY((*file)->size()) > kSegmentHeaderSize)  // kept for whoever wants to look
    TRY(files_.rename(table_.segment_path(number),
                      cat({quarantine_, "/", std::to_string(number), ".seg"})));
  return table_.remove(number);
}

Result<void> PackedObjects::put(const RawId& id, std::vector<std::byte> image) {
  Record record = Record::make(RecordKind::kObject, id, std::move(image));
  return log_.commit({&record, 1});
}

Result<void> PackedObjects::remove(const RawId& id) {
  const auto location = index_.find(id);
  Record record = Record::make(RecordKind::kRemoval, id);
  TRY(log_.commit({&record, 1}));
  if (location && location->quarantined) (void)files_.remove(quarantine_path(id));  // may be absent
  return {};
}

std::string PackedObjects::quarantine_path(const RawId& id) const {
  return cat({quarantine_, "/", to_text(id)});
}

// Nothing unless the record is in its place with every byte.
Result<std::optional<std::vector<std::byte>>> PackedObjects::read_body(const RawId& id,
                                                                       const Location& location) {
  std::optional<std::vector<std::byte>> nothing;
  auto file = table_.open(location.segment);
  if (!file.ok() && file.error().code == Code::kNotFound) return nothing;
  if (!file.ok()) return std::move(file).error();
  std::vector<std::byte> record(kRecordHeaderSize + location.length);
  const size_t count = TRY((*file)->read_at(location.offset, record));
  if (count != record.size()) return nothing;
  const auto header =
      parse_record_header(as_text(record).substr(0, kRecordHeaderSize), location.segment);
  if (!header || header->id != id || header->length != location.length) return nothing;
  record.erase(record.begin(), record.begin() + kRecordHeaderSize);
  if (record_digest(as_text(record)) != header->body_digest) return nothing;
  return std::optional(std::move(record));
}

Result<bool> PackedObjects::verify(const RawId& id, const Location& location) {
  return TRY(read_body(id, location)).has_value();
}

Result<bool> PackedObjects::quarantine(const RawId& id, const std::optional<Location>& location) {
  if (location && !location->quarantined) {
    auto file = table_.open(location->segment);
    std::vector<std::byte> record(record_size(location->length));
    if (file.ok()) {
      record.resize(TRY((*file)->read_at(location->offset, record)));
      (void)files_.remove(quarantine_path(id));  // of an attempt that was cut off; mostly absent
      std::unique_ptr<File> copy = TRY(files_.create(quarantine_path(id)));
      TRY(copy->append(record));
    }
  }
  Record mark = Record::make(RecordKind::kQuarantine, id);
  mark.replaces = location;
  TRY(log_.commit({&mark, 1}));
  const auto now = index_.find(id);
  return now && now->quarantined;
}

}  // namespace lazuli::bytes
