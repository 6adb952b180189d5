// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "http/reactor.h"

namespace lazuli::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Clock : EventHandler {
  void on_events(uint32_t) override {}
  void on_deadline() override {
    ++calls;
    if (then) then();
  }
  int calls = 0;
  std::function<void()> then;
};

const SteadyClock::time_point kBegin = SteadyClock::time_point(std::chrono::hours(1));

struct HttpDeadlineWheel : ::testing::Test {
  // Goes on to `until` as the loop does: from one time to look to the next.
  void run(SteadyClock::time_point until) {
    while (wheel.next() <= until) {
      now = std::max(now, wheel.next());
      wheel.advance(now);
    }
    now = until;
  }
  DeadlineWheel wheel;
  SteadyClock::time_point now = kBegin;
};

TEST_F(HttpDeadlineWheel, CallsOnceAndNotTooEarly) {
  Clock clock;
  EXPECT_TRUE(wheel.set(clock, now + milliseconds(100), now));
  run(kBegin + milliseconds(99));
  EXPECT_EQ(clock.calls, 0);
  run(kBegin + milliseconds(130));
  EXPECT_EQ(clock.calls, 1);
  run(kBegin + seconds(100));
  EXPECT_EQ(clock.calls, 1);
  EXPECT_EQ(wheel.next(), SteadyClock::time_point::max());
}

TEST_F(HttpDeadlineWheel, FollowsADeadlineThatMoves) {
  Clock clock;
  wheel.set(clock, now + seconds(1), now);
  EXPECT_FALSE(wheel.set(clock, now + seconds(90), now));  // beyond the ring
  run(kBegin + seconds(89));
  EXPECT_EQ(clock.calls, 0);
  EXPECT_TRUE(wheel.set(clock, now + milliseconds(50), now));
  run(now + milliseconds(80));
  EXPECT_EQ(clock.calls, 1);
}

TEST_F(HttpDeadlineWheel, HandlersMayRemoveEachOther) {
  Clock first, second;
  first.then = [&] { wheel.remove(second); };
  second.then = [&] { wheel.remove(first); };
  wheel.set(first, now + milliseconds(10), now);
  wheel.set(second, now + milliseconds(10), now);
  run(kBegin + seconds(1));
  EXPECT_EQ(first.calls + second.calls, 1);
}

TEST_F(HttpDeadlineWheel, AStalledLoopMissesNothing) {
  Clock near, far;
  wheel.set(near, now + milliseconds(10), now);
  wheel.set(far, now + seconds(40), now);
  now += seconds(100);
  wheel.advance(now);
  EXPECT_EQ(near.calls, 1);
  EXPECT_EQ(far.calls, 1);
}

TEST_F(HttpDeadlineWheel, AgreesWithAListForRandomMoves) {
  std::minstd_rand random(5);
  std::vector<std::unique_ptr<Clock>> clocks;
  std::vector<SteadyClock::time_point> expected(200, SteadyClock::time_point::max());
  for (size_t i = 0; i < expected.size(); ++i) clocks.push_back(std::make_unique<Clock>());
  for (int round = 0; round < 5000; ++round) {
    run(now + milliseconds(random() % 60));
    for (size_t i = 0; i < clocks.size(); ++i) {
      const bool called = std::exchange(clocks[i]->calls, 0) > 0;
      if (called) ASSERT_LE(expected[i], now);
      if (!called) ASSERT_GT(expected[i], now - milliseconds(21));
      if (called) expected[i] = SteadyClock::time_point::max();
    }
    const size_t chosen = random() % clocks.size();
    expected[chosen] = now + milliseconds(random() % (round % 7 == 0 ? 90000 : 3000));
    wheel.set(*clocks[chosen], expected[chosen], now);
  }
  for (auto& clock : clocks) wheel.remove(*clock);
}

}  // namespace
}  // namespace lazuli::http
