// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "bytes/disk_fake.h"
#include "bytes/local_store.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

using Fault = FakeDisk::Fault;
using Loss = FakeDisk::Loss;

constexpr char kFolder[] = "/disk/data";
constexpr Loss kLosses[] = {Loss::kNothing, Loss::kAllUnsynced, Loss::kSomeUnsynced,
                            Loss::kTornUnsynced};

SecretBytes test_key() {
  std::string key(32, 'k');
  return SecretBytes(std::as_bytes(std::span(key)));
}

// Some small, one large.
std::string content_of(size_t number) {
  return std::string(number == 4 ? 300'000 : number * 40'000 % 150'000,
                     static_cast<char>('a' + number));
}

// What the store has promised to its callers.
struct Ledger {
  std::map<ObjectId, std::string> stored;  // acknowledged, and nobody has asked to remove it
  std::set<ObjectId> removed;              // acknowledged removals
  std::mutex mutex;
};

void put_one(Store& store, Ledger& ledger, size_t number) {
  std::string content = content_of(number);
  auto info = store.put(content);
  std::lock_guard lock(ledger.mutex);
  if (info.ok()) ledger.stored[info->id] = content;
}

void remove_one(Store& store, Ledger& ledger) {
  ObjectId id;
  {
    std::lock_guard lock(ledger.mutex);
    if (ledger.stored.empty()) return;
    id = ledger.stored.begin()->first;
    ledger.stored.erase(id);
  }
  bool gone = store.remove(id).ok();
  std::lock_guard lock(ledger.mutex);
  if (gone) ledger.removed.insert(id);
}

void work(Store& store, Ledger& ledger) {
  for (size_t number = 0; number < 6; ++number) {
    put_one(store, ledger, number);
    if (number % 3 == 2) remove_one(store, ledger);
  }
}

// Two lives; in the second there is something to compact.
void run(FakeDisk& disk, Ledger& ledger) {
  {
    auto store = open_local(disk.mount(), kFolder, test_key());
    if (store.ok()) work(**store, ledger);
    while (store.ok() && ledger.stored.size() > 2 && ledger.removed.size() < 5)
      remove_one(**store, ledger);
  }
  auto store = open_local(disk.mount(), kFolder, test_key());
  if (!store.ok()) return;
  put_one(**store, ledger, 1);
  (void)(*store)->compact();
  remove_one(**store, ledger);
  put_one(**store, ledger, 2);
}

// How many promises the disk's present state breaks.
size_t count_broken(FakeDisk& disk, const Ledger& ledger) {
  auto opened = open_local(disk.mount(), kFolder, test_key());
  if (!opened.ok()) return 1000;
  Store& store = **opened;
  size_t broken = 0;
  for (const auto& [id, content] : ledger.stored)
    if (store.get(id, 1u << 20).value_or("lost") != content) ++broken;
  for (const ObjectId& id : ledger.removed)
    if (store.open(id).ok()) ++broken;
  // What was never acknowledged is there whole or not at all.
  auto listed = store.list([&](const ObjectId& id) -> Result<void> {
    if (!store.get(id, 1u << 20).ok()) ++broken;
    return {};
  });
  if (!listed.ok()) ++broken;
  auto checked = store.check();
  if (!checked.ok() || !checked->complete || !checked->findings.empty()) ++broken;
  if (!disk.files_below(std::string(kFolder) + "/staging").empty()) ++broken;
  auto fresh = store.put("after the crash");
  if (!fresh.ok() || store.get(fresh->id, 100).value_or("") != "after the crash") ++broken;
  return broken;
}

// Breaks the k-th call for every k until the work passes without reaching it.
size_t count_broken_at_every_call(FakeDisk::Options options, Loss loss) {
  size_t broken = 0;
  for (options.fault_at = 1;; ++options.fault_at) {
    auto disk = std::make_shared<FakeDisk>(options);
    Ledger ledger;
    run(*disk, ledger);
    bool reached = disk->fault_reached();
    disk->restart(loss);
    broken += count_broken(*disk, ledger);
    if (!reached) return broken;
  }
}

TEST(BytesCrash, PowerCutAtAnyCallLosesNothingAcknowledged) {
  for (Loss loss : kLosses)
    EXPECT_EQ(count_broken_at_every_call({Fault::kPowerCut}, loss), 0u) << static_cast<int>(loss);
}

TEST(BytesCrash, AFailingCallLosesNothingAcknowledged) {
  for (Loss loss : kLosses)
    EXPECT_EQ(count_broken_at_every_call({Fault::kError}, loss), 0u) << static_cast<int>(loss);
}

// The test of the test: without either kind of sync it must see losses.
TEST(BytesCrash, WithoutSyncsTheTestSeesLosses) {
  FakeDisk::Options no_file_sync{Fault::kPowerCut, 0, false, true};
  FakeDisk::Options no_folder_sync{Fault::kPowerCut, 0, true, false};
  EXPECT_GT(count_broken_at_every_call(no_file_sync, Loss::kAllUnsynced), 0u);
  EXPECT_GT(count_broken_at_every_call(no_folder_sync, Loss::kAllUnsynced), 0u);
}

TEST(BytesCrash, PowerCutUnderConcurrentWritersLosesNothingAcknowledged) {
  for (uint64_t fault_at = 20; fault_at < 140; fault_at += 7) {
    auto disk = std::make_shared<FakeDisk>(FakeDisk::Options{Fault::kPowerCut, fault_at});
    Ledger ledger;
    auto store = open_local(disk->mount(), kFolder, test_key());
    if (store.ok()) {
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) threads.emplace_back([&] { work(**store, ledger); });
      for (std::thread& thread : threads) thread.join();
    }
    disk->restart(Loss::kAllUnsynced);
    EXPECT_EQ(count_broken(*disk, ledger), 0u) << fault_at;
  }
}

TEST(BytesCrash, AfterAFailedSyncNothingMoreIsAcknowledged) {
  bool seen = false;
  for (uint64_t fault_at = 1; !seen; ++fault_at) {
    ASSERT_LT(fault_at, 200u);
    auto disk = std::make_shared<FakeDisk>(FakeDisk::Options{Fault::kError, fault_at});
    auto store = open_local(disk->mount(), kFolder, test_key());
    if (!store.ok() || (*store)->put("first").ok()) continue;
    auto second = (*store)->put("second");  // acknowledged unless a sync was what failed
    seen = !second.ok() && second.error().code == Code::kUnavailable && !(*store)->create().ok() &&
           !(*store)->remove("00").ok() && !(*store)->compact().ok();
  }
}

// A life of random work: some of everything, in an order that the seed decides.
void work_at_random(Store& store, Ledger& ledger, std::minstd_rand& random) {
  for (int i = 0; i < 25; ++i) switch (random() % 8) {
      case 0:
      case 1:
        remove_one(store, ledger);
        break;
      case 2:
        (void)store.compact();
        break;
      default:
        put_one(store, ledger, random() % 6);
    }
}

// How long to go on: LAZULI_SOAK_SECONDS, or two seconds.
std::chrono::seconds soak_time() {
  const char* text = std::getenv("LAZULI_SOAK_SECONDS");
  return std::chrono::seconds(text == nullptr ? 2 : std::atoi(text));
}

TEST(BytesCrash, RandomWorkUnderRandomFaultsLosesNothingAcknowledged) {
  const auto end = std::chrono::steady_clock::now() + soak_time();
  unsigned seed = 0;
  for (; std::chrono::steady_clock::now() < end; ++seed) {
    std::minstd_rand random(seed * 7919 + 1);
    FakeDisk::Options options;
    options.fault = random() % 2 == 0 ? Fault::kPowerCut : Fault::kError;
    options.fault_at = 1 + random() % 500;
    auto disk = std::make_shared<FakeDisk>(options);
    Ledger ledger;
    for (int life = 0; life < 4; ++life) {
      auto store = open_local(disk->mount(), kFolder, test_key());
      if (store.ok()) work_at_random(**store, ledger, random);
    }
    disk->restart(kLosses[random() % std::size(kLosses)]);
    ASSERT_EQ(count_broken(*disk, ledger), 0u) << "seed " << seed;
  }
  std::printf("%u points\n", seed);
  EXPECT_GT(seed, 0u);
}

}  // namespace
}  // namespace lazuli::bytes
