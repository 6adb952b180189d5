// SPDX-License-Identifier: Apache-2.0
#include "core/in_flight.h"

#include <gtest/gtest.h>

namespace lazuli::core {
namespace {

TEST(CoreInFlight, EachKeyHasItsOwnPlaces) {
  InFlight in_flight(2);
  auto first = in_flight.enter("a");
  auto second = in_flight.enter("a");
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(in_flight.enter("a"));
  EXPECT_TRUE(in_flight.enter("b"));
  InFlight::Ticket moved = std::move(*first);
  first.reset();
  EXPECT_FALSE(in_flight.enter("a"));
  moved = {};
  EXPECT_TRUE(in_flight.enter("a"));
}

}  // namespace
}  // namespace lazuli::core
