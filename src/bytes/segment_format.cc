// SPDX-License-Identifier: Apache-2.0
#include "bytes/segment_format.h"

#include "base/check.h"
#include "base/strings.h"
#include "bytes/little_endian.h"
#include "crypto/digest.h"

namespace lazuli::bytes {
namespace {

constexpr std::string_view kSegmentMagic("LZSEGM\0\1", 8);
constexpr std::string_view kIndexMagic("LZSIDX\0\1", 8);
constexpr std::string_view kRecordMagic = "LZRC";
constexpr size_t kHeaderDigestAt = 56;
constexpr size_t kIndexHeaderSize = 24;
constexpr size_t kIndexEntrySize = 32;
constexpr size_t kIndexDigestSize = 32;
constexpr uint32_t kAlignment = 8;

bool is_kind(uint32_t kind) { return kind >= 1 && kind <= 3; }

RawId raw_id(std::string_view text) {
  RawId id;
  std::copy(text.begin(), text.end(), id.begin());
  return id;
}

uint32_t aligned(uint32_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

std::string record_digest(std::string_view body) {
  return crypto::sha256(body).substr(0, kDigestSize);
}

uint32_t record_size(uint32_t length) { return kRecordHeaderSize + aligned(length); }

std::string make_segment_header(uint32_t segment) {
  std::string text(kSegmentMagic);
  append_little(text, segment);
  append_little(text, uint32_t{0});
  text += record_digest(text);
  CHECK(text.size() == kSegmentHeaderSize);
  return text;
}

bool is_segment_header(std::string_view text, uint32_t segment) {
  return text == make_segment_header(segment);
}

std::string make_record_header(const RecordHeader& header) {
  CHECK(header.body_digest.size() == kDigestSize);
  std::string text(kRecordMagic);
  text.reserve(kRecordHeaderSize);
  append_little(text, static_cast<uint32_t>(header.kind));
  append_little(text, header.length);
  append_little(text, header.round);
  append_little(text, header.segment);
  append_little(text, uint32_t{0});
  text += view(header.id);
  text += header.body_digest;
  text += record_digest(text).substr(0, kRecordHeaderSize - kHeaderDigestAt);
  CHECK(text.size() == kRecordHeaderSize);
  return text;
}

std::optional<RecordHeader> parse_record_header(std::string_view text, uint32_t segment) {
  if (text.size() != kRecordHeaderSize || !text.starts_with(kRecordMagic)) return std::nullopt;
  const std::string digest = record_digest(text.substr(0, kHeaderDigestAt));
  if (!digest.starts_with(text.substr(kHeaderDigestAt))) return std::nullopt;
  RecordHeader header;
  const auto kind = load_little<uint32_t>(text, 4);
  header.kind = static_cast<RecordKind>(kind);
  header.length = load_little<uint32_t>(text, 8);
  header.round = load_little<uint32_t>(text, 12);
  header.segment = load_little<uint32_t>(text, 16);
  header.id = raw_id(text.substr(24, 16));
  header.body_digest = text.substr(40, kDigestSize);
  const bool sound = is_kind(kind) && header.segment == segment && header.length <= kSegmentSizeMax;
  if (!sound) return std::nullopt;
  return header;
}

std::string make_segment_index(const SegmentIndex& index) {
  std::string text(kIndexMagic);
  text.reserve(kIndexHeaderSize + index.entries.size() * kIndexEntrySize + kIndexDigestSize);
  append_little(text, index.segment);
  append_little(text, index.end);
  append_little(text, static_cast<uint32_t>(index.entries.size()));
  append_little(text, uint32_t{0});
  for (const SegmentEntry& entry : index.entries) {
    text += view(entry.id);
    append_little(text, entry.offset);
    append_little(text, entry.length);
    append_little(text, static_cast<uint32_t>(entry.kind));
    append_little(text, uint32_t{0});
  }
  text += crypto::sha256(text);
  return text;
}

Result<SegmentIndex> parse_segment_index(std::string_view text, uint32_t segment) {
  const Error damaged = internal_error("a segment's index is damaged", "DataCorruption");
  if (text.size() < kIndexHeaderSize + kIndexDigestSize || !text.starts_with(kIndexMagic))
    return damaged;
  const std::string_view content = text.substr(0, text.size() - kIndexDigestSize);
  if (crypto::sha256(content) != text.substr(content.size())) return damaged;
  SegmentIndex index;
  index.segment = load_little<uint32_t>(text, 8);
  index.end = load_little<uint32_t>(text, 12);
  const auto count = load_little<uint32_t>(text, 16);
  if (index.segment != segment) return damaged;
  if (content.size() != kIndexHeaderSize + uint64_t{count} * kIndexEntrySize) return damaged;
  index.entries.reserve(count);
  for (size_t at = kIndexHeaderSize; at < content.size(); at += kIndexEntrySize) {
    const auto kind = load_little<uint32_t>(text, at + 24);
    if (!is_kind(kind)) return damaged;
    SegmentEntry entry{raw_id(text.substr(at, 16)), load_little<uint32_t>(text, at + 16),
                       load_little<uint32_t>(text, at + 20), static_cast<RecordKind>(kind)};
    if (entry.length > kSegmentSizeMax || entry.offset > kSegmentSizeMax) return damaged;
    index.entries.push_back(entry);
  }
  return index;
}

namespace {

// A record as it was found, before it is known what the later ones prove.
struct Found {
  SegmentEntry entry;
  bool intact = false;
};

class Scanner {
 public:
  Scanner(std::string_view content, uint32_t segment) : content_(content), segment_(segment) {}

  SegmentScan run() {
    for (size_t at = kSegmentHeaderSize; at + kRecordHeaderSize <= content_.size();) at = step(at);
    return conclude();
  }

 private:
  // Where to look next.
  size_t step(size_t at) {
    auto header = parse_record_header(content_.substr(at, kRecordHeaderSize), segment_);
    if (!header) return next_candidate(at + kAlignment);
    const std::string_view body = content_.substr(at + kRecordHeaderSize, header->length);
    Found found{{header->id, static_cast<uint32_t>(at), header->length, header->kind}, false};
    found.intact = body.size() == header->length && record_digest(body) == header->body_digest;
    found_.push_back(found);
    proved_ = std::max(proved_, header->round);
    return at + record_size(header->length);
  }

  size_t next_candidate(size_t at) const {
    for (; at + kRecordHeaderSize <= content_.size(); at += kAlignment)
      if (content_.substr(at, kRecordMagic.size()) == kRecordMagic) return at;
    return content_.size();
  }

  SegmentScan conclude() const {
    SegmentScan scan;
    scan.index.segment = segment_;
    scan.index.end = kSegmentHeaderSize;
    uint64_t sound = 0;
    for (const Found& found : found_) {
      const bool acknowledged = found.entry.offset < proved_;
      if (!found.intact && !acknowledged) continue;
      const uint32_t size = record_size(found.entry.length);
      if (found.intact && acknowledged) sound += size;
      scan.index.entries.push_back(found.entry);
      scan.index.end = std::max(scan.index.end, found.entry.offset + size);
    }
    if (proved_ > kSegmentHeaderSize) {
      const uint64_t expected = proved_ - kSegmentHeaderSize;
      scan.damaged = expected - std::min(expected, sound);
    }
    return scan;
  }

  const std::string_view content_;
  const uint32_t segment_;
  std::vector<Found> found_;
  uint32_t proved_ = 0;
};

}  // namespace

SegmentScan scan_segment(std::string_view content, uint32_t segment) {
  return Scanner(content, segment).run();
}

}  // namespace lazuli::bytes
