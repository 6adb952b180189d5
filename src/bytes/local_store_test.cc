// SPDX-License-Identifier: Apache-2.0
#include "bytes/local_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "bytes/object_format.h"
#include "codec/text.h"
#include "crypto/digest.h"
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
  ~BytesLocal() override { fs::remove_all(fs::path(folder_).parent_path()); }

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

  std::string folder_;
  SecretBytes root_key_ = crypto::random_secret(32);
  std::unique_ptr<Store> store_;
};

TEST_F(BytesLocal, RoundTripsAroundChunkBorders) {
  for (size_t size : {size_t{0}, size_t{1}, kChunkSize - 1, kChunkSize, kChunkSize + 1,
                      2 * kChunkSize, 5 * kChunkSize + 17}) {
    std::string content = pattern(size);
    ObjectInfo info = *store_->put(content);
    EXPECT_EQ(info.size, size);
    EXPECT_EQ(info.sha256, crypto::sha256(std::string_view(content)));
    EXPECT_EQ(info.md5, crypto::md5(content));
    EXPECT_EQ(*get(info.id), content);
    reopen();
    EXPECT_EQ(*get(info.id), content);
  }
}

TEST_F(BytesLocal, DoesNotDependOnHowItIsWrittenOrRead) {
  std::string content = pattern(3 * kChunkSize + 1000);
  for (size_t step : {size_t{997}, kChunkSize - 1, kChunkSize, kChunkSize + 1, 3 * kChunkSize}) {
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
  std::string canary = "canary-in-plain-text";
  ObjectInfo info = *store_->put(canary);
  ObjectInfo again = *store_->put(canary);
  EXPECT_EQ(read_file(path_of(info.id)).find(canary), std::string::npos);
  EXPECT_NE(read_file(path_of(info.id)).substr(kHeaderSize),
            read_file(path_of(again.id)).substr(kHeaderSize));
  EXPECT_EQ(fs::status(path_of(info.id)).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(fs::status(folder_).permissions(), fs::perms::owner_all);
}

TEST_F(BytesLocal, AnyChangedByteIsRefused) {
  std::string content = pattern(300);
  ObjectInfo info = *store_->put(content);
  std::string good = read_file(path_of(info.id));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 0x40;
    write_file(path_of(info.id), bad);
    ASSERT_EQ(wire_code(info.id), "DataCorruption") << i;
  }
  write_file(path_of(info.id), good);
  EXPECT_EQ(*get(info.id), content);
}

TEST_F(BytesLocal, ChangedChunksAreRefusedAndTheOthersStillRead) {
  std::string content = pattern(3 * kChunkSize + 5);
  ObjectInfo info = *store_->put(content);
  std::string good = read_file(path_of(info.id));
  std::string bad = good;
  bad[kHeaderSize + kSealedChunkSize + 100] ^= 1;
  write_file(path_of(info.id), bad);
  auto reader = *store_->open(info.id);
  std::string out(10, '\0');
  auto space = std::as_writable_bytes(std::span(out));
  EXPECT_EQ(*reader->read(0, space), 10u);
  EXPECT_EQ(reader->read(kChunkSize - 5, space).error().wire_code, "DataCorruption");
  EXPECT_EQ(reader->read(kChunkSize, space).error().wire_code, "DataCorruption");
  EXPECT_EQ(*reader->read(2 * kChunkSize, space), 10u);
  EXPECT_EQ(out, content.substr(2 * kChunkSize, 10));
}

TEST_F(BytesLocal, MovedRepeatedAndMissingChunksAreRefused) {
  std::string content = pattern(4 * kChunkSize);
  ObjectInfo info = *store_->put(content);
  std::string good = read_file(path_of(info.id));
  auto chunk = [&](size_t n) {
    return good.substr(kHeaderSize + n * kSealedChunkSize, kSealedChunkSize);
  };
  std::string header = good.substr(0, kHeaderSize);
  for (const std::string& body :
       {chunk(1) + chunk(0) + chunk(2) + chunk(3), chunk(0) + chunk(0) + chunk(2) + chunk(3),
        chunk(0) + chunk(2) + chunk(3), chunk(0) + chunk(1) + chunk(2), chunk(0), chunk(3),
        chunk(0) + chunk(1) + chunk(3) + chunk(2), good.substr(kHeaderSize) + chunk(3)}) {
    write_file(path_of(info.id), header + body);
    EXPECT_EQ(wire_code(info.id), "DataCorruption");
  }
}

TEST_F(BytesLocal, EveryTruncationAndExtensionIsRefused) {
  ObjectInfo info = *store_->put(pattern(kChunkSize + 200));
  std::string good = read_file(path_of(info.id));
  for (size_t size = 0; size < good.size();
       size += size < 400 || size > good.size() - 400 ? 1 : 997) {
    write_file(path_of(info.id), good.substr(0, size));
    ASSERT_EQ(wire_code(info.id), "DataCorruption") << size;
  }
  for (size_t more : {size_t{1}, size_t{16}, kSealedChunkSize}) {
    write_file(path_of(info.id), good + std::string(more, '\0'));
    EXPECT_EQ(wire_code(info.id), "DataCorruption");
  }
}

TEST_F(BytesLocal, AFileOfAnotherObjectIsRefused) {
  ObjectInfo one = *store_->put("one"), two = *store_->put("two");
  std::string first = read_file(path_of(one.id)), second = read_file(path_of(two.id));
  write_file(path_of(one.id), second);
  EXPECT_EQ(wire_code(one.id), "DataCorruption");
  write_file(path_of(one.id), second.substr(0, kHeaderSize) + first.substr(kHeaderSize));
  EXPECT_EQ(wire_code(one.id), "DataCorruption");
  write_file(path_of(one.id), first.substr(0, kHeaderSize) + second.substr(kHeaderSize));
  EXPECT_EQ(wire_code(one.id), "DataCorruption");
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
  std::set<ObjectId> made, seen;
  for (int i = 0; i < 5; ++i) made.insert(store_->put(std::string_view("x"))->id);
  auto unfinished = store_->create();
  ASSERT_TRUE((*unfinished)->append(bytes("x")).ok());
  ASSERT_TRUE(store_->remove(*made.begin()).ok());
  made.erase(made.begin());
  auto listed = store_->list([&](const ObjectId& id) -> Result<void> {
    seen.insert(id);
    return {};
  });
  EXPECT_TRUE(listed.ok());
  EXPECT_EQ(seen, made);
}

TEST_F(BytesLocal, RemovesForGoodAndReadersFinish) {
  ObjectInfo info = *store_->put("content");
  auto reader = *store_->open(info.id);
  EXPECT_TRUE(store_->remove(info.id).ok());
  EXPECT_TRUE(store_->remove(info.id).ok());
  EXPECT_EQ(wire_code(info.id), "ResourceNotFound");
  std::string out(7, '\0');
  EXPECT_EQ(*reader->read(0, std::as_writable_bytes(std::span(out))), 7u);
  EXPECT_EQ(out, "content");
}

TEST_F(BytesLocal, UnfinishedWritesLeaveNothing) {
  {
    auto writer = *store_->create();
    ASSERT_TRUE(writer->append(bytes(pattern(kChunkSize * 2))).ok());
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
  write_file(folder_ + "/FORMAT", "lazuli-bytes 2 x\n");
  EXPECT_NE(message(root_key_.clone()).find("version 2"), std::string::npos);
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
        std::string content = pattern((t * 7919 + i * 104729) % (3 * kChunkSize));
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
