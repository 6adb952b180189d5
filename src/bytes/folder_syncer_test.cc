// SPDX-License-Identifier: Apache-2.0
#include "bytes/folder_syncer.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace lazuli::bytes {
namespace {

// Passes syncs only when told to.
class SlowLayer : public FileLayer {
 public:
  Result<std::unique_ptr<File>> create(const std::string&) override { return not_found("x"); }
  Result<std::unique_ptr<File>> open(const std::string&) override { return not_found("x"); }
  Result<void> rename(const std::string&, const std::string&) override { return {}; }
  Result<void> remove(const std::string&) override { return {}; }
  Result<bool> make_folder(const std::string&) override { return true; }
  Result<std::vector<std::string>> list(const std::string&) override { return not_found("x"); }
  Result<std::unique_ptr<File>> lock(const std::string&) override { return not_found("x"); }
  Result<void> sync_folder(const std::string&) override {
    std::unique_lock lock(mutex_);
    int number = ++started_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return allowed_ >= number; });
    if (fails_) return internal_error("broken disk");
    return {};
  }
  void wait_started(int number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return started_ >= number; });
  }
  void allow(int number, bool fails = false) {
    std::lock_guard lock(mutex_);
    allowed_ = number;
    fails_ = fails;
    changed_.notify_all();
  }
  int started() {
    std::lock_guard lock(mutex_);
    return started_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int started_ = 0;
  int allowed_ = 0;
  bool fails_ = false;
};

TEST(BytesFolderSyncer, OneSyncServesAllWhoCameMeanwhile) {
  SlowLayer files;
  FolderSyncer syncer(files);
  std::atomic<int> succeeded{0};
  std::vector<std::thread> threads;
  auto start = [&] { threads.emplace_back([&] { succeeded += syncer.sync("/a").ok() ? 1 : 0; }); };
  start();
  files.wait_started(1);
  for (int i = 0; i < 5; ++i) start();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // they queue behind the first
  EXPECT_EQ(files.started(), 1);
  EXPECT_EQ(succeeded, 0);
  files.allow(100);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(succeeded, 6);
  EXPECT_LE(files.started(), 6);
  EXPECT_GE(files.started(), 2);  // those who came during the first were not served by it
}

TEST(BytesFolderSyncer, AFailureIsForEverybodyAndForGood) {
  SlowLayer files;
  FolderSyncer syncer(files);
  files.allow(100, /*fails=*/true);
  EXPECT_FALSE(syncer.sync("/a").ok());
  files.allow(100, /*fails=*/false);
  EXPECT_FALSE(syncer.sync("/a").ok());
  EXPECT_FALSE(syncer.sync("/b").ok());
  EXPECT_EQ(files.started(), 1);
}

}  // namespace
}  // namespace lazuli::bytes
