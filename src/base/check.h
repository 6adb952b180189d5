// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lazuli {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}  // namespace lazuli

// States what must hold if the code is right. Stays on in release: a broken invariant stops the
// process before it can damage data. For the world's failures use Result.
#define CHECK(condition) \
  ((condition) ? (void)0 : ::lazuli::check_failed(#condition, __FILE__, __LINE__))
