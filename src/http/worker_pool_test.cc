// SPDX-License-Identifier: Apache-2.0
#include "http/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

namespace lazuli::http {
namespace {

struct Counters {
  std::atomic<int> ran = 0;
  std::atomic<int> destroyed = 0;
};

class TestJob final : public Job {
 public:
  TestJob(Counters& counters, std::shared_future<void> gate)
      : counters_(counters), gate_(std::move(gate)) {}
  ~TestJob() override { ++counters_.destroyed; }
  void run(std::unique_ptr<Job>) override {
    gate_.wait();
    ++counters_.ran;
  }

 private:
  Counters& counters_;
  const std::shared_future<void> gate_;
};

class HttpWorkerPool : public ::testing::Test {
 protected:
  std::unique_ptr<Job> job() { return std::make_unique<TestJob>(counters_, gate_); }
  static void wait_for(const std::atomic<int>& value, int wanted) {
    for (int i = 0; i < 5000 && value < wanted; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(value, wanted);
  }
  std::promise<void> open_;
  std::shared_future<void> gate_ = open_.get_future().share();
  Counters counters_;
};

TEST_F(HttpWorkerPool, HandsBackWhatItsQueueCannotHold) {
  WorkerPool pool(2, 3);
  int taken = 0;
  while (pool.submit(job()) == nullptr && taken < 100) ++taken;
  EXPECT_GE(taken, 3);
  EXPECT_LE(taken, 5);
  pool.resume(job());  // goes on beyond the bound
  open_.set_value();
  wait_for(counters_.ran, taken + 1);
}

class Meeting final : public Job {
 public:
  Meeting(std::latch& everybody, std::atomic<int>& met) : everybody_(everybody), met_(met) {}
  void run(std::unique_ptr<Job>) override {
    everybody_.arrive_and_wait();
    ++met_;
  }

 private:
  std::latch& everybody_;
  std::atomic<int>& met_;
};

TEST_F(HttpWorkerPool, RunsAsManyAtOnceAsItHasThreads) {
  std::latch everybody(3);
  std::atomic<int> met = 0;
  WorkerPool pool(3, 10);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pool.submit(std::make_unique<Meeting>(everybody, met)), nullptr);
  }
  wait_for(met, 3);
}

TEST_F(HttpWorkerPool, DestroysQueuedJobsWhenItStops) {
  WorkerPool pool(1, 10);
  EXPECT_EQ(pool.submit(job()), nullptr);
  EXPECT_EQ(pool.submit(job()), nullptr);
  std::thread stop([&] { pool.stop(); });
  for (int i = 0; i < 5000 && counters_.destroyed == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  open_.set_value();
  stop.join();
  EXPECT_EQ(counters_.destroyed, 2);
  EXPECT_LE(counters_.ran, 1);
  EXPECT_NE(pool.submit(job()), nullptr);
}

}  // namespace
}  // namespace lazuli::http
