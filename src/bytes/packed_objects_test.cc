// SPDX-License-Identifier: Apache-2.0
#include "bytes/packed_objects.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "bytes/disk_fake.h"
#include "bytes/local_store.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

constexpr char kFolder[] = "/disk/data";

std::string content_of(unsigned seed, size_t size) {
  std::minstd_rand random(seed + 1);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random() >> 8);
  return out;
}

class BytesPacked : public ::testing::Test {
 protected:
  BytesPacked() { reopen(); }

  void reopen() {
    store_.reset();
    auto opened = open_local(disk_->mount(), kFolder, key_.clone());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = *std::move(opened);
  }
  ObjectId put(size_t size) {
    const std::string content = content_of(++seed_, size);
    const ObjectId id = store_->put(content)->id;
    made_[id] = content;
    return id;
  }
  void remove(const ObjectId& id) {
    ASSERT_TRUE(store_->remove(id).ok());
    made_.erase(id);
    removed_.insert(id);
  }
  std::string wire_code(const ObjectId& id) {
    auto content = store_->get(id, 1u << 20);
    if (!content.ok()) return content.error().wire_code;
    return *content == made_[id] ? "right" : "WRONG";
  }
  void expect_all_right() {
    for (const auto& [id, content] : made_) EXPECT_EQ(wire_code(id), "right");
    for (const ObjectId& id : removed_)
      EXPECT_EQ(store_->get(id, 1u << 20).error().code, Code::kNotFound);
    std::set<ObjectId> expected, listed;
    for (const auto& [id, content] : made_) expected.insert(id);
    EXPECT_TRUE(store_
                    ->list([&](const ObjectId& id) -> Result<void> {
                      listed.insert(id);
                      return {};
                    })
                    .ok());
    EXPECT_EQ(listed, expected);
    const CheckReport report = *store_->check();
    EXPECT_TRUE(report.findings.empty()) << report.findings[0].what;
    EXPECT_EQ(report.objects, made_.size());
  }
  std::vector<std::string> files(const std::string& suffix) {
    std::vector<std::string> found;
    for (const std::string& path : disk_->files_below(std::string(kFolder) + "/segments"))
      if (path.ends_with(suffix)) found.push_back(path);
    return found;
  }

  std::shared_ptr<FakeDisk> disk_ = std::make_shared<FakeDisk>(FakeDisk::Options{});
  SecretBytes key_ = crypto::random_secret(32);
  std::unique_ptr<Store> store_;
  std::map<ObjectId, std::string> made_;
  std::set<ObjectId> removed_;
  unsigned seed_ = 0;
};

TEST_F(BytesPacked, SurvivesRestartsAndPowerCuts) {
  for (int round = 0; round < 4; ++round) {
    for (size_t size : {0u, 1u, 5000u, 65536u, 200'000u}) put(size);
    remove(made_.begin()->first);
    if (round % 2 == 0) disk_->restart(FakeDisk::Loss::kTornUnsynced);
    reopen();
    expect_all_right();
  }
  EXPECT_EQ(disk_->files_below(std::string(kFolder) + "/objects").size(), 0u);
}

TEST_F(BytesPacked, AnIndexThatIsLostOrDamagedIsMadeAgain) {
  for (size_t size : {10u, 100u, 1000u}) put(size);
  remove(put(10));
  reopen();
  ASSERT_EQ(files(".idx").size(), 1u);
  const std::string path = files(".idx")[0];
  for (uint64_t at = 0; at < disk_->size_of(path); at += 5) {
    disk_->damage(path, at, 0x21);
    reopen();
    ASSERT_NO_FATAL_FAILURE(expect_all_right());
  }
  store_.reset();
  ASSERT_TRUE(disk_->mount()->remove(path).ok());
  reopen();
  expect_all_right();
}

// Right or refused, never wrong; and once the damage is away, right again.
TEST_F(BytesPacked, EveryFlippedByteIsNoticed) {
  for (size_t size : {40u, 300u, 70'000u}) put(size);
  reopen();
  const std::string path = files(".seg")[0];
  for (const bool indexed : {true, false}) {
    for (uint64_t at = 0; at < disk_->size_of(path); at += at < 2000 ? 7 : 211) {
      disk_->damage(path, at, 0x80);
      if (!indexed) {
        store_.reset();
        for (const std::string& index : files(".idx"))
          ASSERT_TRUE(disk_->mount()->remove(index).ok());
      }
      reopen();
      size_t refused = 0;
      for (const auto& [id, content] : made_) {
        const std::string code = wire_code(id);
        if (code != "right") ++refused;
        ASSERT_TRUE(code == "right" || code == "DataCorruption" || code == "KeyMissing" ||
                    (!indexed && code == "ResourceNotFound"))
            << code << " at " << at;
      }
      ASSERT_LE(refused, 1u) << at;
      disk_->damage(path, at, 0x80);
    }
    store_.reset();
    for (const std::string& index : files(".idx")) ASSERT_TRUE(disk_->mount()->remove(index).ok());
    reopen();
    expect_all_right();
  }
}

TEST_F(BytesPacked, DamageIsFoundAndSetAside) {
  std::vector<ObjectId> ids;
  for (size_t size : {100u, 5000u, 100'000u, 300'000u}) ids.push_back(put(size));
  reopen();
  const std::string segment = files(".seg")[0];
  disk_->damage(segment, kSegmentHeaderSize + 70, 1);           // the first record's image
  disk_->damage(segment, disk_->size_of(segment) - 30'000, 1);  // the third's
  disk_->damage(disk_->files_below(std::string(kFolder) + "/objects")[0], 200'000, 1);
  CheckReport report = *store_->check();
  EXPECT_EQ(report.damaged, 3u);
  EXPECT_EQ(report.objects, 1u);
  EXPECT_EQ(report.quarantined, 0u);
  report = *store_->check({.quarantine = true});
  EXPECT_EQ(report.damaged, 3u);
  EXPECT_EQ(report.quarantined, 3u);
  for (int life = 0; life < 2; ++life) {
    for (size_t i : {0u, 2u, 3u}) EXPECT_EQ(wire_code(ids[i]), "DataCorruption");
    EXPECT_EQ(wire_code(ids[1]), "right");
    report = *store_->check({.quarantine = true});
    EXPECT_EQ(report.damaged, 0u);
    EXPECT_EQ(report.quarantined, 3u);
    EXPECT_EQ(disk_->files_below(std::string(kFolder) + "/quarantine").size(), 3u);
    reopen();
  }
  for (size_t i : {0u, 2u, 3u}) remove(ids[i]);
  EXPECT_EQ(disk_->files_below(std::string(kFolder) + "/quarantine").size(), 0u);
  reopen();
  EXPECT_EQ(wire_code(ids[0]), "ResourceNotFound");
  EXPECT_EQ(wire_code(ids[1]), "right");
}

TEST_F(BytesPacked, AMissingSegmentIsRefusedAndReported) {
  const ObjectId lost = put(100);
  reopen();
  put(100);
  store_.reset();
  ASSERT_TRUE(disk_->mount()->remove(files(".seg")[0]).ok());
  reopen();
  EXPECT_EQ(wire_code(lost), "DataCorruption");
  EXPECT_EQ(store_->check()->damaged, 1u);
  made_.erase(lost);
  ASSERT_TRUE(store_->remove(lost).ok());
  reopen();
  expect_all_right();
}

TEST_F(BytesPacked, CompactionGivesBackRoomAndLosesNothing) {
  for (int life = 0; life < 6; ++life) {
    std::vector<ObjectId> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(put(3000));
    for (int i = 0; i < 15; ++i) remove(ids[static_cast<size_t>(i)]);
    reopen();
    uint64_t before = 0, after = 0;
    for (const std::string& path : files(".seg")) before += disk_->size_of(path);
    EXPECT_GT(*store_->compact(), 30'000u);
    for (const std::string& path : files(".seg")) after += disk_->size_of(path);
    EXPECT_LT(after, before);
    if (life % 2 == 0) disk_->restart(FakeDisk::Loss::kTornUnsynced);
    reopen();
    expect_all_right();
  }
  EXPECT_LE(files(".seg").size(), 7u);
}

// With nothing alive, a few rounds leave nothing at all: removals do not keep each other.
TEST_F(BytesPacked, RemovalsGoWithWhatTheyRemoved) {
  for (int life = 0; life < 4; ++life) {
    for (int i = 0; i < 10; ++i) put(1000);
    reopen();
  }
  while (!made_.empty()) remove(std::string(made_.begin()->first));
  for (int round = 0; round < 6; ++round) {
    reopen();
    ASSERT_TRUE(store_->compact().ok());
    expect_all_right();
  }
  reopen();
  EXPECT_EQ(files(".seg").size(), 0u);
}

TEST_F(BytesPacked, AFullDiskRefusesAndRecovers) {
  for (const bool begun : {false, true}) {
    if (begun) put(1000);
    disk_->set_full(true);
    for (int i = 0; i < 5; ++i) {
      for (size_t size : {100u, 300'000u})
        EXPECT_EQ(store_->put(std::string(size, 'x')).error().wire_code, "ServerBusy");
    }
    EXPECT_LE(files(".seg").size(), 1u);
    for (const auto& [id, content] : made_) EXPECT_EQ(wire_code(id), "right");
    disk_->set_full(false);
    put(2000);
    expect_all_right();
    reopen();
    expect_all_right();
    while (!made_.empty()) remove(std::string(made_.begin()->first));
    reopen();
    ASSERT_TRUE(store_->compact().ok());
  }
}

TEST_F(BytesPacked, CompactionSetsDamagedObjectsAside) {
  std::vector<ObjectId> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(put(1000));
  for (size_t i = 1; i < 9; ++i) remove(ids[i]);
  reopen();
  disk_->damage(files(".seg")[0], kSegmentHeaderSize + 100, 1);
  ASSERT_TRUE(store_->compact().ok());
  EXPECT_EQ(files(".seg").size(), 1u);
  for (int life = 0; life < 3; ++life) {
    EXPECT_EQ(wire_code(ids[0]), "DataCorruption");
    EXPECT_EQ(wire_code(ids[9]), "right");
    reopen();
    ASSERT_TRUE(store_->compact().ok());
  }
}

TEST_F(BytesPacked, CompactsWhileOthersWork) {
  std::vector<ObjectId> old;
  for (int i = 0; i < 200; ++i) old.push_back(put(2000));
  reopen();
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    while (!done)
      if (!store_->compact().ok()) ++failures;
  });
  threads.emplace_back([&] {
    std::minstd_rand random(1);
    while (!done) {
      const ObjectId& id = old[180 + random() % 20];
      if (store_->get(id, 1u << 20).value_or("") != made_.at(id)) ++failures;
    }
  });
  threads.emplace_back([&] {
    for (size_t i = 0; i < 180; ++i)
      if (!store_->remove(old[i]).ok()) ++failures;
  });
  std::vector<ObjectId> fresh;
  for (int i = 0; i < 100; ++i) fresh.push_back(store_->put(content_of(900, 500))->id);
  threads[2].join();
  done = true;
  threads[0].join();
  threads[1].join();
  EXPECT_EQ(failures, 0);
  for (size_t i = 0; i < 180; ++i) {
    made_.erase(old[i]);
    removed_.insert(old[i]);
  }
  for (const ObjectId& id : fresh) made_[id] = content_of(900, 500);
  expect_all_right();
  reopen();
  ASSERT_TRUE(store_->compact().ok());
  expect_all_right();
  reopen();
  expect_all_right();
}

// Counts the flushes, and takes its time for each.
class SlowFile : public File {
 public:
  SlowFile(std::unique_ptr<File> file, std::atomic<int>& syncs)
      : file_(std::move(file)), syncs_(syncs) {}
  Result<void> append(std::span<const std::byte> data) override { return file_->append(data); }
  Result<void> sync() override {
    ++syncs_;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return file_->sync();
  }
  Result<size_t> read_at(uint64_t offset, std::span<std::byte> out) const override {
    return file_->read_at(offset, out);
  }
  Result<uint64_t> size() const override { return file_->size(); }

 private:
  std::unique_ptr<File> file_;
  std::atomic<int>& syncs_;
};

class SlowDisk : public FileLayer {
 public:
  SlowDisk(std::unique_ptr<FileLayer> disk, std::atomic<int>& syncs)
      : disk_(std::move(disk)), syncs_(syncs) {}
  Result<std::unique_ptr<File>> create(const std::string& path) override {
    return std::make_unique<SlowFile>(TRY(disk_->create(path)), syncs_);
  }
  Result<std::unique_ptr<File>> open(const std::string& path) override { return disk_->open(path); }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return disk_->rename(from, to);
  }
  Result<void> remove(const std::string& path) override { return disk_->remove(path); }
  Result<void> sync_folder(const std::string& path) override { return disk_->sync_folder(path); }
  Result<bool> make_folder(const std::string& path) override { return disk_->make_folder(path); }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return disk_->list(path);
  }
  Result<std::unique_ptr<File>> lock(const std::string& path) override { return disk_->lock(path); }

 private:
  std::unique_ptr<FileLayer> disk_;
  std::atomic<int>& syncs_;
};

TEST_F(BytesPacked, ManyWritersShareAFlush) {
  std::atomic<int> syncs{0};
  store_ = *open_local(std::make_unique<SlowDisk>(disk_->mount(), syncs), kFolder, key_.clone());
  syncs = 0;
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i)
        if (!store_->put(std::string_view("small")).ok()) ++failures;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_LT(syncs, 160);  // of 320 writes
}

TEST(BytesSegments, AreFollowedByTheNextWhenFull) {
  char name[] = "/tmp/lazuli-bytes-XXXXXX";
  const std::string folder = ::mkdtemp(name);
  const SecretBytes key = crypto::random_secret(32);
  const std::string content = content_of(3, 250'000);
  std::vector<ObjectId> ids;
  for (int life = 0; life < 2; ++life) {
    auto store = *open_local(folder + "/bytes", key.clone());
    if (life == 0)
      for (int i = 0; i < 300; ++i) ids.push_back(store->put(content)->id);
    for (const ObjectId& id : ids) ASSERT_TRUE(store->get(id, 1u << 20).value_or("") == content);
  }
  size_t files = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder + "/bytes/segments")) {
    EXPECT_LE(each.file_size(), kSegmentSizeMax);
    ++files;
  }
  EXPECT_EQ(files, 4u);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lazuli::bytes
