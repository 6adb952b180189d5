// SPDX-License-Identifier: Apache-2.0
// Any bytes as a segment and as its index: what is found lies within them, and is found again.
#include "base/testing.h"
#include "bytes/segment_format.h"

namespace lazuli::bytes {
namespace {

constexpr uint32_t kSegment = 7;

void check_scan(std::string_view data) {
  const SegmentScan scan = scan_segment(data, kSegment);
  CHECK(scan.damaged <= UINT32_MAX);
  uint32_t end = kSegmentHeaderSize;
  for (const SegmentEntry& entry : scan.index.entries) {
    CHECK(entry.offset >= end && entry.offset + kRecordHeaderSize <= data.size());
    end = entry.offset + record_size(entry.length);
    CHECK(end <= scan.index.end);
  }
  const auto again = parse_segment_index(make_segment_index(scan.index), kSegment);
  CHECK(again.ok() && again->entries == scan.index.entries);
}

}  // namespace

FUZZ_TARGET(bytes_segment) {
  (void)is_segment_header(data, kSegment);
  const auto index = parse_segment_index(data, kSegment);
  if (index.ok()) CHECK(make_segment_index(*index).size() == data.size());
  check_scan(data);
}

}  // namespace lazuli::bytes
