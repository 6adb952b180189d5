// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/check.h"

#ifdef LAZULI_FUZZ
#include <cstddef>
#include <cstdint>
#else
#include <gtest/gtest.h>

#include <string>
#include <vector>
#endif

// FUZZ_TARGET(name) { … data … }, in <parser>_fuzz_test.cc beside the parser: takes any bytes as
// `data`, and ends the process (CHECK, a sanitizer) on a fault. Built by preset `fuzz` it is
// libFuzzer's entry of a program of its own; elsewhere it is a test that runs it over the seeds in
// tests/fuzz/name, which hold what was once found, too.
#ifdef LAZULI_FUZZ

#define FUZZ_TARGET(name)                                                      \
  static void fuzz_##name(std::string_view data);                              \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {   \
    fuzz_##name(std::string_view(reinterpret_cast<const char*>(bytes), size)); \
    return 0;                                                                  \
  }                                                                            \
  static void fuzz_##name(std::string_view data)

#else

namespace lazuli {

// The contents of every file in tests/fuzz/`name`.
std::vector<std::string> fuzz_seeds(const std::string& name);

}  // namespace lazuli

#define FUZZ_TARGET(name)                                                 \
  static void fuzz_##name(std::string_view data);                         \
  TEST(FuzzSeeds, name) {                                                 \
    const auto seeds = lazuli::fuzz_seeds(#name);                         \
    ASSERT_FALSE(seeds.empty());                                          \
    for (const std::string& seed : seeds)                                 \
      for (size_t size : {seed.size(), seed.size() / 2, seed.size() / 3}) \
        fuzz_##name(std::string_view(seed).substr(0, size));              \
  }                                                                       \
  static void fuzz_##name(std::string_view data)

#endif
