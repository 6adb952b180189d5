// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "bytes/testing.h"
#include "crypto/digest.h"

namespace lazuli::bytes {
namespace {

constexpr size_t kSizes[] = {0, 1, 65535, 65536, 65537, 300'000, 3'000'000};

std::string content_of(size_t seed, size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>(((i + seed) * 2654435761u) >> 13);
  return out;
}

std::set<ObjectId> list(Store& store) {
  std::set<ObjectId> ids;
  EXPECT_TRUE(store
                  .list([&](const ObjectId& id) -> Result<void> {
                    EXPECT_TRUE(ids.insert(id).second);
                    return {};
                  })
                  .ok());
  return ids;
}

class Suite {
 public:
  explicit Suite(const std::function<std::unique_ptr<Store>()>& open) : open_(open) { reopen(); }

  void run() {
    round_trips();
    reads_at_random();
    discards_what_is_unfinished();
    removes();
    keeps_keys();
    serves_many();
    expect_all_right();
  }

 private:
  void reopen() {
    store_.reset();
    store_ = open_();
    ASSERT_NE(store_, nullptr);
  }

  ObjectId put(size_t size, const std::string& scope = {}) {
    const std::string content = content_of(made_.size(), size);
    WriteOptions options;
    options.sha256 = true;
    options.scope = scope;
    auto writer = store_->create(options).value();
    EXPECT_TRUE(writer->append(std::as_bytes(std::span(content))).ok());
    auto info = writer->finish();
    EXPECT_TRUE(info.ok()) << info.error().message;
    EXPECT_EQ(info->size, size);
    EXPECT_EQ(info->sha256, crypto::sha256(std::string_view(content)));
    EXPECT_EQ(info->md5, crypto::md5(content));
    made_[info->id] = content;
    return info->id;
  }

  void expect_all_right() {
    for (const bool fresh : {false, true}) {
      if (fresh) reopen();
      std::set<ObjectId> expected;
      for (const auto& [id, content] : made_) {
        expected.insert(id);
        EXPECT_TRUE(store_->get(id, 1u << 26).value_or("lost") == content);
      }
      EXPECT_EQ(list(*store_), expected);
    }
    auto report = store_->check();
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_TRUE(report->complete && report->findings.empty());
    EXPECT_EQ(report->objects, made_.size());
  }

  void round_trips() {
    EXPECT_TRUE(list(*store_).empty());
    for (size_t size : kSizes) put(size);
    expect_all_right();
  }

  void reads_at_random() {
    const ObjectId id = put(3'000'000);
    const std::string& content = made_[id];
    auto reader = store_->open(id).value();
    EXPECT_EQ(reader->size(), content.size());
    for (size_t at : {0u, 70'000u, 2'999'990u, 1'500'000u, 65'536u, 3'000'000u}) {
      std::string out(100'000, '\0');
      const size_t count =
          reader->read(at, std::as_writable_bytes(std::span(out))).value_or(SIZE_MAX);
      EXPECT_EQ(count, std::min(out.size(), content.size() - at));
      EXPECT_TRUE(out.substr(0, count) == content.substr(at, count));
    }
  }

  void discards_what_is_unfinished() {
    for (size_t size : {100u, 3'000'000u}) {
      const std::string content = content_of(0, size);
      auto writer = store_->create().value();
      EXPECT_TRUE(writer->append(std::as_bytes(std::span(content))).ok());
    }
    expect_all_right();
  }

  void removes() {
    for (const std::string& id :
         {put(10), put(300'000), std::string("00112233445566778899aabbccddeeff"),
          std::string("x")}) {
      EXPECT_TRUE(store_->remove(id).ok());
      EXPECT_TRUE(store_->remove(id).ok());
      EXPECT_EQ(store_->open(id).error().code, Code::kNotFound);
      made_.erase(id);
    }
    EXPECT_TRUE(store_->compact().ok());
    expect_all_right();
  }

  void keeps_keys() {
    const ObjectId id = put(1000, "a"), large = put(300'000, "a");
    EXPECT_TRUE(store_->keys().rotate("a").ok());
    put(1000, "a");
    EXPECT_TRUE(store_->keys().revoke("a").ok());
    for (const bool fresh : {false, true}) {
      if (fresh) reopen();
      EXPECT_EQ(store_->open(id).error().wire_code, "KeyRevoked");
      EXPECT_EQ(store_->open(large).error().wire_code, "KeyRevoked");
      WriteOptions options;
      options.scope = "a";
      EXPECT_EQ(store_->create(options).error().wire_code, "KeyRevoked");
      EXPECT_EQ(store_->check()->locked, 3u);
    }
    EXPECT_TRUE(store_->keys().restore("a").ok());
    expect_all_right();
  }

  void serves_many() {
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (size_t t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (size_t i = 0; i < 6; ++i) {
          const std::string content = content_of(t, (t * 7919 + i * 104729) % 400'000);
          auto info = store_->put(content);
          bool good = info.ok() && store_->get(info->id, 1u << 20).value_or("") == content;
          good = good && store_->remove(info->id).ok() && !store_->open(info->id).ok();
          if (!good) ++failures;
        }
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(failures, 0);
  }

  const std::function<std::unique_ptr<Store>()>& open_;
  std::unique_ptr<Store> store_;
  std::map<ObjectId, std::string> made_;
};

}  // namespace

void expect_a_store(const std::function<std::unique_ptr<Store>()>& open) { Suite(open).run(); }

}  // namespace lazuli::bytes
