// SPDX-License-Identifier: Apache-2.0
#include "base/testing.h"
#include "services/runs/search_filter.h"

namespace lazuli::runs {
namespace {

struct Anything : Searchable {
  std::optional<std::string> attribute(std::string_view key) const override { return text(key); }
  std::optional<std::string> tag(std::string_view key) const override { return text(key); }
  std::optional<std::string> param(std::string_view key) const override { return text(key); }
  std::optional<double> metric(std::string_view) const override { return 0.5; }
  static std::string text(std::string_view key) { return std::string(key); }
};

}  // namespace

FUZZ_TARGET(runs_search_filter) {
  const auto filter = parse_filter(data);
  if (!filter.ok()) return;
  for (const auto& comparison : *filter) CHECK(!comparison.values.empty());
  matches(*filter, Anything());
}

}  // namespace lazuli::runs
