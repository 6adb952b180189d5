// SPDX-License-Identifier: Apache-2.0
#include "bytes/caretaker.h"

#include <gtest/gtest.h>

#include "bytes/disk_fake.h"
#include "bytes/local_store.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

using std::chrono::milliseconds;

constexpr char kFolder[] = "/disk/data";

template <typename Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(milliseconds(2));
  return condition();
}

TEST(BytesCaretaker, CompactsAndScrubs) {
  auto disk = std::make_shared<FakeDisk>(FakeDisk::Options{});
  const SecretBytes key = crypto::random_secret(32);
  const std::string segments = std::string(kFolder) + "/segments";
  auto store = *open_local(disk->mount(), kFolder, key.clone());
  const ObjectId removed = store->put(std::string(5000, 'r'))->id;
  const ObjectId kept = store->put(std::string(300'000, 'k'))->id;
  ASSERT_TRUE(store->remove(removed).ok());
  store.reset();
  store = *open_local(disk->mount(), kFolder, key.clone());
  ASSERT_EQ(disk->files_below(segments).size(), 2u);
  disk->damage(disk->files_below(std::string(kFolder) + "/objects")[0], 100'000, 1);

  CareOptions options;
  options.compact_every = milliseconds(5);
  options.first_scrub = milliseconds(20);
  options.scrub_bytes_per_second_max = 0;
  Caretaker caretaker(*store, options);
  EXPECT_TRUE(comes_true([&] { return !store->get(kept, 1u << 20).ok(); }));
  EXPECT_TRUE(
      comes_true([&] { return !disk->files_below(std::string(kFolder) + "/quarantine").empty(); }));
}

TEST(BytesCaretaker, StopsAtOnceHoweverSlowItWorks) {
  auto disk = std::make_shared<FakeDisk>(FakeDisk::Options{});
  auto store = *open_local(disk->mount(), kFolder, crypto::random_secret(32));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(store->put(std::string(5000, 'x')).ok());
  CareOptions options;
  options.first_scrub = milliseconds(0);
  options.scrub_bytes_per_second_max = 1000;  // more than a minute's work
  const auto begun = std::chrono::steady_clock::now();
  {
    Caretaker caretaker(*store, options);
    std::this_thread::sleep_for(milliseconds(30));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
}

}  // namespace
}  // namespace lazuli::bytes
