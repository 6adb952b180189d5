// SPDX-License-Identifier: Apache-2.0
#include "services/runs/search_filter.h"

#include <gtest/gtest.h>

namespace lazuli::runs {
namespace {

struct Item : Searchable {
  std::optional<std::string> attribute(std::string_view key) const override {
    if (key == "status") return "FINISHED";
    return {};
  }
  std::optional<std::string> tag(std::string_view key) const override {
    if (key == "kind" || key == "a key") return "test";
    return {};
  }
  std::optional<std::string> param(std::string_view key) const override {
    if (key == "beta") return "b";
    return {};
  }
  std::optional<double> metric(std::string_view key) const override {
    if (key == "accuracy") return 0.95;
    return {};
  }
};

bool finds(std::string_view filter) {
  auto parsed = parse_filter(filter);
  EXPECT_TRUE(parsed.ok()) << filter;
  return parsed.ok() && matches(*parsed, Item());
}

TEST(RunsSearchFilter, ComparesEveryEntity) {
  EXPECT_TRUE(finds(""));
  EXPECT_TRUE(finds("metrics.accuracy > 0.9 and params.beta = 'b' and tags.kind = 'test'"));
  EXPECT_TRUE(finds("tags.`a key` != \"x\" AND attributes.status = 'FINISHED'"));
  EXPECT_TRUE(finds("status IN ('RUNNING', 'FINISHED')"));
  EXPECT_TRUE(finds("tags.kind LIKE 't_s%' and tags.kind ILIKE 'TE%'"));
  EXPECT_FALSE(finds("metrics.accuracy > 0.96"));
  EXPECT_FALSE(finds("metrics.unknown > 0"));
  EXPECT_FALSE(finds("status NOT IN ('FINISHED')"));
}

TEST(RunsSearchFilter, RefusesWhatItCannotRead) {
  for (const char* bad : {"metrics.a >", "metrics.a > x", "nonsense.a = 'b'", "a = 'b' or c = 'd'",
                          "tags.a = 'b", "status IN 'x'", "= 'x'"})
    EXPECT_FALSE(parse_filter(bad).ok()) << bad;
}

}  // namespace
}  // namespace lazuli::runs
