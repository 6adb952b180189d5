// SPDX-License-Identifier: Apache-2.0
#include "bytes/local_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "bytes/object_sealer.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

namespace fs = std::filesystem;

std::string pattern(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 2654435761u) >> 13);
  return out;
}

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string read_file(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

void write_file(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

class BytesLocal : public ::testing::Test {
 protected:
  BytesLocal() {
    char name[] = "/tmp/lazuli-bytes-XXXXXX";
    folder_ = std::string(::mkdtemp(name)) + "/bytes";
    reopen();
  }
  ~BytesLocal() override {
    store_.reset();
    fs::remove_all(fs::path(folder_).parent_path());
  }

  void reopen() {
    store_.reset();
    store_ = *open_local(folder_, root_key_.clone());
  }
  fs::path path_of(const ObjectId& id) const {
    return fs::path(folder_) / "objects" / id.substr(0, 2) / id.substr(2, 2) / id;
  }
  Result<std::string> get(const ObjectId& id) { return store_->get(id, 1u << 30); }
  std::string wire_code(const ObjectId& id) {
    auto content = get(id);
    return content.ok() ? "ok" : content.error().wire_code;
  }

  std::set<ObjectId> listed() {
    std::set<ObjectId> ids;
    EXPECT_TRUE(store_
                    ->list([&](const ObjectId& id) -> Result<void> {
                      EXPECT_TRUE(ids.insert(id).second);
                      return {};
                    })
                    .ok());
    return ids;
  }

  std::string folder_;
  SecretBytes root_key_ = crypto::random_secret(32);
  std::unique_ptr<Store> store_;
};

TEST_F(BytesLocal, RoundTripsAroundChunkBorders) {
  for (size_t size : {size_t{0}, size_t{1}, kChunkSize - 1, kChunkSize, kChunkSize + 1,
                      2 * kChunkSize, 4 * kChunkSize, 4 * kChunkSize + 1, 5 * kChunkSize + 17}) {
    std::string content = pattern(size);
    ObjectInfo info = *store_->put(content);
    EXPECT_EQ(info.size, size);
    EXPECT_EQ(info.md5, crypto::md5(content));
    EXPECT_EQ(*get(info.id), content);
    reopen();
    EXPECT_EQ(*get(info.id), content);
  }
}

TEST_F(BytesLocal, DoesNotDependOnHowItIsWrittenOrRead) {
  for (size_t step : {size_t{997}, kChunkSize - 1, kChunkSize, kChunkSize + 1, 3 * kChunkSize}) {
    std::string content = pattern((step % 2 == 0 ? 3 : 7) * kChunkSize + 1000);
    auto writer = *store_->create();
    for (size_t at = 0; at < content.size(); at += step)
      ASSERT_TRUE(writer->append(bytes(std::string_view(content).substr(at, step))).ok());
    auto reader = *store_->open(writer->finish()->id);
    std::string out(content.size() + 10, '\0');
    for (size_t at = 0; at < content.size(); at += step) {
      auto space =
          std::as_writable_bytes(std::span(out)).subspan(at, std::min(step, out.size() - at));
      EXPECT_EQ(*reader->read(at, space), std::min(step, content.size() - at));
    }
    out.resize(content.size());
    EXPECT_TRUE(out == content);
    std::byte one;
    EXPECT_EQ(*reader->read(content.size(), {&one, 1}), 0u);
    EXPECT_EQ(*reader->read(UINT64_MAX, {&one, 1}), 0u);
    EXPECT_EQ(*reader->read(0, {}), 0u);
  }
}

TEST_F(BytesLocal, NoPlainTextReachesTheDisk) {
  const std::string canary = "canary-in-plain-text";
  std::string large;
  while (large.size() < 5 * kChunkSize) large += canary;
  ObjectInfo info = *store_->put(large);
  ASSERT_TRUE(store_->put(canary).ok());
  ASSERT_TRUE(store_->put(canary).ok());
  store_.reset();
  size_t files = 0;
  for (const auto& each : fs::recursive_directory_iterator(folder_)) {
    if (!each.is_regular_file()) continue;
    ++files;
    EXPECT_EQ(read_file(each.path()).find(canary), std::string::npos) << each.path();
    EXPECT_EQ(fs::status(each.path()).permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
  }
  EXPECT_EQ(files, 6u);  // FORMAT, LOCK, a key, a segment and its index, and an object
  EXPECT_TRUE(fs::exists(path_of(info.id)));
  EXPECT_EQ(fs::status(folder_).permissions(), fs::perms::owner_all);
}

TEST_F(BytesLocal, ComputesTheDigestsThatAreWanted) {
  auto digests = [&](const WriteOptions& options) {
    auto writer = *store_->create(options);
    EXPECT_TRUE(writer->append(bytes("content")).ok());
    ObjectInfo info = *writer->finish();
    return std::pair(info.sha256.size(), info.md5.size());
  };
  EXPECT_EQ(digests({}), std::pair(size_t{0}, size_t{16}));
  EXPECT_EQ(digests({.sha256 = true}), std::pair(size_t{32}, size_t{16}));
  EXPECT_EQ(digests({.sha256 = false, .md5 = false}), std::pair(size_t{0}, size_t{0}));
}

TEST_F(BytesLocal, AChangedFileOfALargeObjectIsRefused) {
  ObjectInfo one = *store_->put(pattern(5 * kChunkSize)),
             two = *store_->put(pattern(6 * kChunkSize));
  const std::string good = read_file(path_of(one.id));
  for (size_t i : {size_t{0}, size_t{20}, kHeaderSize, good.size() / 2, good.size() - 1}) {
    std::string bad = good;
    bad[i] ^= 0x40;
    write_file(path_of(one.id), bad);
    EXPECT_EQ(wire_code(one.id), i == 20 ? "KeyMissing" : "DataCorruption") << i;
  }
  write_file(path_of(one.id), read_file(path_of(two.id)));
  EXPECT_EQ(wire_code(one.id), "DataCorruption");
  write_file(path_of(one.id), good.substr(0, good.size() - 100));
  EXPECT_EQ(wire_code(one.id), "DataCorruption");
}

// What release 1 wrote: a file per object, and a FORMAT that says so.
TEST_F(BytesLocal, TakesOverAFolderOfVersionOne) {
  const std::string content = pattern(70'000), id = "ab120000000000000000000000000000";
  store_.reset();
  std::string format = read_file(folder_ + "/FORMAT");
  ASSERT_EQ(format.substr(0, 14), "lazuli-bytes 2");
  format[13] = '1';
  write_file(folder_ + "/FORMAT", format);
  fs::remove_all(folder_ + "/segments");
  fs::remove_all(folder_ + "/keys");
  fs::create_directories(path_of(id).parent_path());
  const WrappingKey store_key{{},
                              std::make_shared<const SecretBytes>(
                                  crypto::hkdf_sha256(root_key_, "", "lazuli bytes wrap 1", 32))};
  ObjectSealer sealer(store_key, id);
  sealer.add(bytes(content));
  sealer.finish();
  const auto image = sealer.take();
  write_file(path_of(id), {reinterpret_cast<const char*>(image.data()), image.size()});
  reopen();
  EXPECT_EQ(*get(id), content);
  EXPECT_EQ(read_file(folder_ + "/FORMAT").substr(0, 14), "lazuli-bytes 2");
  const ObjectId added = store_->put("added")->id;
  reopen();
  EXPECT_EQ(*get(id), content);
  EXPECT_EQ(*get(added), "added");
  EXPECT_EQ(listed(), (std::set<ObjectId>{id, added}));
  ASSERT_TRUE(store_->remove(id).ok());
  reopen();
  EXPECT_EQ(listed(), std::set<ObjectId>{added});
}

TEST_F(BytesLocal, UnknownAndHostileIdsAreNotFound) {
  for (const char* id : {"", "x", "../../FORMAT", "00000000000000000000000000000000",
                         "0000000000000000000000000000000/", "ABCDEFABCDEFABCDEFABCDEFABCDEFAB"}) {
    EXPECT_EQ(store_->open(id).error().code, Code::kNotFound);
    EXPECT_TRUE(store_->remove(id).ok());
  }
  EXPECT_TRUE(fs::exists(folder_ + "/FORMAT"));
}

TEST_F(BytesLocal, ListsFinishedObjectsOnly) {
  std::set<ObjectId> made;
  for (size_t size : {1u, 1u, 1u, 300'000u, 300'000u}) made.insert(store_->put(pattern(size))->id);
  auto unfinished = store_->create();
  ASSERT_TRUE((*unfinished)->append(bytes(pattern(300'000))).ok());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(store_->remove(*made.begin()).ok());
    made.erase(made.begin());
  }
  EXPECT_EQ(listed(), made);
}

TEST_F(BytesLocal, RemovesForGoodAndReadersFinish) {
  for (size_t size : {7u, 100'000u, 300'000u}) {
    const std::string content = pattern(size);
    ObjectInfo info = *store_->put(content);
    auto reader = *store_->open(info.id);
    EXPECT_TRUE(store_->remove(info.id).ok());
    EXPECT_TRUE(store_->remove(info.id).ok());
    EXPECT_EQ(wire_code(info.id), "ResourceNotFound");
    std::string out(size, '\0');
    EXPECT_EQ(*reader->read(0, std::as_writable_bytes(std::span(out))), size);
    EXPECT_TRUE(out == content);
    reopen();
    EXPECT_EQ(wire_code(info.id), "ResourceNotFound");
  }
}

TEST_F(BytesLocal, UnfinishedWritesLeaveNothing) {
  {
    auto writer = *store_->create();
    ASSERT_TRUE(writer->append(bytes(pattern(kChunkSize * 5))).ok());
    EXPECT_FALSE(fs::is_empty(folder_ + "/staging"));
  }
  EXPECT_TRUE(fs::is_empty(folder_ + "/staging"));
  write_file(folder_ + "/staging/0123", "left by a process that was killed");
  reopen();
  EXPECT_TRUE(fs::is_empty(folder_ + "/staging"));
}

TEST_F(BytesLocal, WritersMayOutliveTheStore) {
  auto writer = *store_->create();
  store_.reset();
  ASSERT_TRUE(writer->append(bytes("late")).ok());
  ObjectInfo info = *writer->finish();
  writer.reset();
  reopen();
  EXPECT_EQ(*get(info.id), "late");
}

TEST_F(BytesLocal, RefusesForeignKeysVersionsAndASecondOpener) {
  EXPECT_EQ(open_local(folder_, root_key_.clone()).error().code, Code::kUnavailable);
  store_.reset();
  auto message = [&](SecretBytes key) {
    return open_local(folder_, std::move(key)).error().message;
  };
  EXPECT_NE(message(crypto::random_secret(32)).find("another root key"), std::string::npos);
  std::string format = read_file(folder_ + "/FORMAT");
  write_file(folder_ + "/FORMAT", "lazuli-bytes 3 x\n");
  EXPECT_NE(message(root_key_.clone()).find("version 3"), std::string::npos);
  write_file(folder_ + "/FORMAT", "");
  EXPECT_NE(message(root_key_.clone()).find("damaged"), std::string::npos);
  fs::remove(folder_ + "/FORMAT");
  EXPECT_NE(message(root_key_.clone()).find("no FORMAT"), std::string::npos);
  write_file(folder_ + "/FORMAT", format);
  reopen();
}

TEST_F(BytesLocal, RefusesWhatIsLargerThanWanted) {
  ObjectInfo info = *store_->put("12345");
  EXPECT_EQ(store_->get(info.id, 4).error().code, Code::kPayloadTooLarge);
  EXPECT_EQ(*store_->get(info.id, 5), "12345");
}

TEST_F(BytesLocal, ManyThreadsWriteReadAndRemove) {
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (size_t t = 0; t < 16; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 20; ++i) {
        std::string content = pattern((t * 7919 + i * 104729) % (6 * kChunkSize));
        auto info = store_->put(content);
        bool good = info.ok() && get(info->id).value_or("") == content;
        if (i % 2 == 0) good = good && store_->remove(info->id).ok() && !get(info->id).ok();
        if (!good) ++failures;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_TRUE(fs::is_empty(folder_ + "/staging"));
}

TEST_F(BytesLocal, OneReaderServesManyThreads) {
  std::string content = pattern(8 * kChunkSize + 3);
  auto reader = *store_->open(store_->put(content)->id);
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (size_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      std::string out(50'000, '\0');
      for (size_t i = 0; i < 100; ++i) {
        size_t at = (t * 31 + i * 12347) % content.size();
        auto count = reader->read(at, std::as_writable_bytes(std::span(out)));
        if (!count.ok() || out.substr(0, *count) != content.substr(at, out.size())) ++failures;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace lazuli::bytes
