// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/object_index.h"

// A segment, version 1: numbers are little-endian, digests the first bytes of a SHA-256, against
// damage by chance (an object's image proves itself, object_format.h). A header, then records, each
// beginning at a multiple of 8:
//
//   header   8  magic "LZSEGM\0\1"      4  number of the segment   4  zero   16  digest
//   record   4  magic "LZRC"            4  kind
//            4  length of the body      4  offset at which the record's round of writing began
//            4  number of the segment   4  zero
//           16  id of the object       16  digest of the body       8  digest of these 56 bytes
//            n  the body: an object's image (kind 1), or nothing
//
// A round is written after the one before was flushed: a record proves all ahead of its round.
//
// A segment's index: magic "LZSIDX\0\1", number of the segment, end of its last record, number of
// entries, zero (4 bytes each); entries of 32 bytes (id, offset, length, kind, zero); digest of all
// before, 32 bytes. It says nothing that the segment does not.
namespace lazuli::bytes {

inline constexpr uint32_t kSegmentHeaderSize = 32;
inline constexpr uint32_t kRecordHeaderSize = 64;
inline constexpr uint32_t kSegmentSizeMax = 64u << 20;
inline constexpr size_t kDigestSize = 16;

enum class RecordKind : uint32_t {
  kObject = 1,
  kRemoval = 2,     // there is no such object, whatever other records say
  kQuarantine = 3,  // the object is refused, whatever other records say except a removal's
};

struct RecordHeader {
  RecordKind kind = RecordKind::kObject;
  uint32_t length = 0;
  uint32_t round = 0;
  uint32_t segment = 0;
  RawId id{};
  std::string body_digest;
};

// What a segment and its index say of a record.
struct SegmentEntry {
  RawId id{};
  uint32_t offset = 0;
  uint32_t length = 0;
  RecordKind kind = RecordKind::kObject;
  friend bool operator==(const SegmentEntry&, const SegmentEntry&) = default;
};

struct SegmentIndex {
  uint32_t segment = 0;
  uint32_t end = 0;
  std::vector<SegmentEntry> entries;  // in the order of their offsets
};

std::string record_digest(std::string_view body);
// With the padding behind it.
uint32_t record_size(uint32_t length);

std::string make_segment_header(uint32_t segment);
bool is_segment_header(std::string_view text, uint32_t segment);

std::string make_record_header(const RecordHeader& header);
// Nothing unless every byte is as it was, and the record belongs to `segment`.
std::optional<RecordHeader> parse_record_header(std::string_view text, uint32_t segment);

std::string make_segment_index(const SegmentIndex& index);
Result<SegmentIndex> parse_segment_index(std::string_view text, uint32_t segment);

// Reads a whole segment record by record. Records whose body is damaged are among the entries if
// they were once acknowledged; what was torn by a crash is not.
struct SegmentScan {
  SegmentIndex index;
  uint64_t damaged = 0;  // acknowledged bytes that no longer are a sound record
};
SegmentScan scan_segment(std::string_view content, uint32_t segment);

}  // namespace lazuli::bytes
