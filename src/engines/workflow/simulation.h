// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace lazuli::workflow::testing {

// For tests only. One life of a few runs on two nodes of one database, all of whose chances (what
// happens next, what fails, who dies, which sectors of the disk survive) come from the seed, and
// whose time is its own: the same seed is the same life.
struct Life {
  std::string fault;        // what was wrong with it; empty: nothing
  std::string fingerprint;  // of everything that was journaled
  int runs = 0, crashes = 0, takeovers = 0, events = 0;
};
Life simulate(uint64_t seed);

}  // namespace lazuli::workflow::testing
