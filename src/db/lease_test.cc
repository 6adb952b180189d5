// SPDX-License-Identifier: Apache-2.0
#include "db/lease.h"

#include <gtest/gtest.h>

#include <thread>

#include "db/testing.h"

namespace lazuli::db {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

class LeaseTest : public ::testing::TestWithParam<testing::Driver> {
 protected:
  std::optional<Lease> acquire(const std::string& holder, Duration time) {
    return handle.write([&](Tx& tx) { return leases.acquire(tx, "shard", holder, time); }).value();
  }
  bool renew(const Lease& lease, Duration time) {
    return handle.write([&](Tx& tx) { return leases.renew(tx, lease, time); }).value();
  }
  bool holds(const Lease& lease) {
    return handle.read([&](Reader& reader) { return leases.holds(reader, lease); }).value();
  }
  size_t expired() {
    return handle.read([&](Reader& reader) { return leases.expired(reader); }).value().size();
  }

  Leases leases{"house"};
  testing::TestDatabase db{GetParam(), {{"house", 1, Leases::schema("house")}}};
  Database::Handle handle = db.handle("house");
};
INSTANTIATE_TEST_SUITE_P(Drivers, LeaseTest, testing::each_driver(), testing::driver_name);

TEST_P(LeaseTest, OneHolderAtATimeAndEpochsRise) {
  const auto first = acquire("a", minutes(1));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->epoch, 1);
  EXPECT_FALSE(acquire("b", minutes(1)).has_value());
  EXPECT_TRUE(renew(*first, minutes(1)));
  EXPECT_TRUE(holds(*first));
  const auto again = acquire("a", minutes(1));  // it was restarted
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->epoch, 2);
  EXPECT_FALSE(renew(*first, minutes(1)));
  EXPECT_FALSE(holds(*first));
}

TEST_P(LeaseTest, WhatExpiredIsAnybodys) {
  const auto first = acquire("a", milliseconds(30));
  std::this_thread::sleep_for(milliseconds(60));
  EXPECT_EQ(expired(), 1u);
  EXPECT_TRUE(holds(*first));  // until somebody takes it
  const auto second = acquire("b", minutes(1));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->epoch, 2);
  EXPECT_EQ(expired(), 0u);
  EXPECT_FALSE(renew(*first, minutes(1)));
}

TEST_P(LeaseTest, WhatWasGivenUpIsFreeAtOnce) {
  const auto first = acquire("a", minutes(1));
  handle.write([&](Tx& tx) { return leases.release(tx, *first); }).value();
  EXPECT_EQ(expired(), 0u);
  EXPECT_FALSE(renew(*first, minutes(1)));
  EXPECT_EQ(acquire("b", minutes(1))->epoch, 2);
}

TEST_P(LeaseTest, TheClockGoesWithTheMachines) {
  const Timestamp before = now();
  const auto at = handle.read([&](Reader& reader) { return reader.clock(); }).value();
  EXPECT_GE(at, before - std::chrono::seconds(5));
  EXPECT_LE(at, now() + std::chrono::seconds(5));
}

}  // namespace
}  // namespace lazuli::db
