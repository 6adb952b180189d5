// SPDX-License-Identifier: Apache-2.0
#include "bytes/segment_format.h"

#include <gtest/gtest.h>

namespace lazuli::bytes {
namespace {

constexpr uint32_t kSegment = 7;

RawId id_of(char letter) {
  RawId id;
  id.fill(letter);
  return id;
}

// A segment of rounds of records, each record a letter repeated.
struct Builder {
  std::string content = make_segment_header(kSegment);
  std::vector<uint32_t> offsets;

  void round(std::string_view letters, size_t size) {
    const auto begin = static_cast<uint32_t>(content.size());
    for (char letter : letters) {
      const std::string body(size, letter);
      offsets.push_back(static_cast<uint32_t>(content.size()));
      content += make_record_header({RecordKind::kObject, static_cast<uint32_t>(size), begin,
                                     kSegment, id_of(letter), record_digest(body)});
      content += body;
      content.resize((content.size() + 7) / 8 * 8);
    }
  }
  std::string found() const {
    std::string letters;
    for (const SegmentEntry& entry : scan_segment(content, kSegment).index.entries)
      letters += entry.id[0];
    return letters;
  }
};

Builder three_rounds() {
  Builder builder;
  builder.round("ab", 100);
  builder.round("c", 1001);
  builder.round("de", 50);
  return builder;
}

TEST(BytesSegment, FindsWhatWasWritten) {
  const Builder builder = three_rounds();
  const SegmentScan scan = scan_segment(builder.content, kSegment);
  EXPECT_EQ(builder.found(), "abcde");
  EXPECT_EQ(scan.index.end, builder.content.size());
  EXPECT_EQ(scan.damaged, 0u);
  for (size_t i = 0; i < builder.offsets.size(); ++i)
    EXPECT_EQ(scan.index.entries[i].offset, builder.offsets[i]);
  EXPECT_TRUE(is_segment_header(builder.content.substr(0, kSegmentHeaderSize), kSegment));
  EXPECT_FALSE(is_segment_header(builder.content.substr(0, kSegmentHeaderSize), kSegment + 1));
}

TEST(BytesSegment, ATornEndIsNoDamage) {
  const Builder whole = three_rounds();
  for (size_t size = 0; size <= whole.content.size(); ++size) {
    Builder cut;
    cut.content = whole.content.substr(0, size);
    std::string expected;
    for (size_t i = 0; i < whole.offsets.size(); ++i) {
      const size_t body = i == 2 ? 1001 : i < 2 ? 100 : 50;
      if (whole.offsets[i] + kRecordHeaderSize + body <= size)
        expected += static_cast<char>('a' + i);
    }
    ASSERT_EQ(cut.found(), expected) << size;
    ASSERT_EQ(scan_segment(cut.content, kSegment).damaged, 0u) << size;
  }
}

// What a later round proves stays known though it is damaged; what nothing proves is dropped.
TEST(BytesSegment, KnowsDamageFromATornWrite) {
  const Builder good = three_rounds();
  for (size_t i = 0; i < good.offsets.size(); ++i) {
    Builder bad = good;
    bad.content[good.offsets[i] + kRecordHeaderSize + 10] ^= 1;
    const bool proved = i < 3;
    std::string expected = "abcde";
    if (!proved) expected.erase(i, 1);
    EXPECT_EQ(bad.found(), expected) << i;
    EXPECT_EQ(scan_segment(bad.content, kSegment).damaged > 0, proved) << i;
  }
}

TEST(BytesSegment, ALostHeaderLosesOneRecordOnly) {
  const Builder good = three_rounds();
  for (size_t i = 0; i < good.offsets.size(); ++i)
    for (size_t byte = 0; byte < kRecordHeaderSize; ++byte) {
      Builder bad = good;
      bad.content[good.offsets[i] + byte] ^= 0x10;
      std::string expected = "abcde";
      expected.erase(i, 1);
      ASSERT_EQ(bad.found(), expected) << i << " " << byte;
      ASSERT_EQ(scan_segment(bad.content, kSegment).damaged > 0, i < 3);
    }
}

TEST(BytesSegment, RecordsOfAnotherSegmentAreNoRecords) {
  EXPECT_TRUE(scan_segment(three_rounds().content, kSegment + 1).index.entries.empty());
}

TEST(BytesSegment, IndexesRoundTripAndProveThemselves) {
  const SegmentIndex index = scan_segment(three_rounds().content, kSegment).index;
  const std::string good = make_segment_index(index);
  auto parsed = parse_segment_index(good, kSegment);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->entries, index.entries);
  EXPECT_EQ(parsed->end, index.end);
  EXPECT_FALSE(parse_segment_index(good, kSegment + 1).ok());
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 1;
    EXPECT_FALSE(parse_segment_index(bad, kSegment).ok());
    EXPECT_FALSE(parse_segment_index(good.substr(0, i), kSegment).ok());
  }
  EXPECT_FALSE(parse_segment_index(good + "x", kSegment).ok());
}

}  // namespace
}  // namespace lazuli::bytes
