// SPDX-License-Identifier: Apache-2.0
#include "engines/workflow/simulation.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "base/strings.h"

namespace lazuli::workflow {
namespace {

struct Seeds {
  uint64_t first = 1, count = 200;
};

// LAZULI_SOAK_SEEDS=FIRST:COUNT, for long runs; each seed stands for itself.
Seeds seeds() {
  const char* named = std::getenv("LAZULI_SOAK_SEEDS");
  if (named == nullptr) return {};
  const std::string_view text = named;
  const size_t colon = text.find(':');
  return {static_cast<uint64_t>(parse_int(text.substr(0, colon)).value_or(1)),
          static_cast<uint64_t>(parse_int(text.substr(colon + 1)).value_or(1))};
}

TEST(WorkflowSimulation, NothingIsLostOrDoubledInAnyLife) {
  const Seeds all = seeds();
  testing::Life sum;
  for (uint64_t seed = all.first; seed < all.first + all.count; ++seed) {
    const testing::Life life = testing::simulate(seed);
    EXPECT_EQ(life.fault, "") << "seed " << seed;
    sum.runs += life.runs;
    sum.crashes += life.crashes;
    sum.takeovers += life.takeovers;
    sum.events += life.events;
  }
  std::printf("%d lives: %d runs, %d events, %d crashes, %d nodes taken for dead\n",
              static_cast<int>(all.count), sum.runs, sum.events, sum.crashes, sum.takeovers);
  EXPECT_GT(sum.runs, 0);
}

TEST(WorkflowSimulation, ASeedIsOneLife) {
  for (const uint64_t seed : {7, 8, 9}) {
    EXPECT_EQ(testing::simulate(seed).fingerprint, testing::simulate(seed).fingerprint) << seed;
  }
}

}  // namespace
}  // namespace lazuli::workflow
