// SPDX-License-Identifier: Apache-2.0
#include "bytes/object_index.h"

#include <gtest/gtest.h>

#include <random>

namespace lazuli::bytes {
namespace {

// Ids that crowd together, so that chains are long and wrap around.
RawId id_of(unsigned number) {
  RawId id{};
  id[0] = static_cast<char>(number % 3 == 0 ? 0xff : 0);
  id[7] = static_cast<char>(number % 3 == 0 ? 0xff : 0);
  id[8] = static_cast<char>(number);
  id[9] = static_cast<char>(number >> 8);
  return id;
}

TEST(BytesObjectIndex, DoesWhatAMapDoes) {
  ObjectIndex index;
  std::map<RawId, Location> model;
  std::minstd_rand random(7);
  for (uint32_t i = 1; i < 40'000; ++i) {
    const RawId id = id_of(random() % 300);
    const Location location{i, i * 8, i % 1000, i % 5 == 0};
    const auto before = model.contains(id) ? std::optional(model[id]) : std::nullopt;
    switch (random() % 4) {
      case 0:
        EXPECT_EQ(index.insert(id, location), before);
        model[id] = location;
        break;
      case 1:
        EXPECT_EQ(index.erase(id), before);
        model.erase(id);
        break;
      case 2:
        EXPECT_EQ(index.replace(id, before.value_or(Location{1, 1, 1, false}), location),
                  before.has_value());
        if (before) model[id] = location;
        break;
      default:
        EXPECT_EQ(index.find(id), before);
        EXPECT_FALSE(index.replace(id, Location{UINT32_MAX, 0, 0, false}, location));
    }
    ASSERT_EQ(index.size(), model.size());
  }
  std::map<RawId, Location> seen;
  EXPECT_TRUE(index
                  .for_each([&](const RawId& id, const Location& location) -> Result<void> {
                    seen[id] = location;
                    return {};
                  })
                  .ok());
  EXPECT_TRUE(seen == model);
}

TEST(BytesObjectIndex, IdsAreThirtyTwoDigits) {
  const std::string text = "00112233445566778899aabbccddeeff";
  EXPECT_EQ(to_text(*parse_raw_id(text)), text);
  for (std::string_view bad :
       {"", "00", "00112233445566778899AABBCCDDEEFF", "00112233445566778899aabbccddeefg",
        "00112233445566778899aabbccddeeff0"})
    EXPECT_FALSE(parse_raw_id(bad)) << bad;
}

}  // namespace
}  // namespace lazuli::bytes
