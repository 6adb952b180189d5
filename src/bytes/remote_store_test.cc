// SPDX-License-Identifier: Apache-2.0
#include "bytes/remote_store.h"

#include <gtest/gtest.h>

#include "bytes/disk_fake.h"
#include "bytes/local_store.h"
#include "bytes/testing.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

// A service in memory, whose contents a test can damage.
class MemoryService : public ObjectService {
 public:
  Result<void> put(const std::string& key, std::string_view content, If condition) override {
    std::lock_guard lock(mutex_);
    if (condition == If::kAbsent && objects.contains(key)) return conflict(key);
    objects[key] = content;
    return {};
  }
  Result<Part> get(const std::string& key, uint64_t offset, uint64_t size) override {
    std::lock_guard lock(mutex_);
    if (!objects.contains(key)) return not_found(key);
    const std::string& content = objects[key];
    return Part{content.substr(std::min<uint64_t>(offset, content.size()), size), content.size()};
  }
  Result<void> remove(const std::string& key) override {
    std::lock_guard lock(mutex_);
    objects.erase(key);
    return {};
  }
  Result<void> list(const std::string& prefix,
                    const std::function<Result<void>(const std::string&)>& visit) override {
    std::vector<std::string> keys;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [key, content] : objects)
        if (key.starts_with(prefix)) keys.push_back(key);
    }
    for (const std::string& key : keys) TRY(visit(key));
    return {};
  }
  Result<std::string> begin_upload(const std::string& key) override {
    std::lock_guard lock(mutex_);
    const std::string id = std::to_string(++last_upload_);
    uploads[id] = {key, {}};
    return id;
  }
  Result<std::string> put_part(const std::string&, const std::string& upload, int number,
                               std::string_view content) override {
    std::lock_guard lock(mutex_);
    ++parts;
    uploads.at(upload).second[number] = content;
    return cat_tag(number);
  }
  Result<void> complete_upload(const std::string& key, const std::string& upload,
                               const std::vector<std::string>& tags) override {
    std::lock_guard lock(mutex_);
    std::string content;
    for (size_t i = 0; i < tags.size(); ++i) {
      EXPECT_EQ(tags[i], cat_tag(static_cast<int>(i) + 1));
      content += uploads.at(upload).second.at(static_cast<int>(i) + 1);
    }
    objects[key] = content;
    uploads.erase(upload);
    return {};
  }
  Result<void> abort_upload(const std::string&, const std::string& upload) override {
    std::lock_guard lock(mutex_);
    uploads.erase(upload);
    return {};
  }
  Result<std::vector<Upload>> list_uploads(const std::string& prefix) override {
    std::lock_guard lock(mutex_);
    std::vector<Upload> found;
    for (const auto& [id, upload] : uploads)
      if (upload.first.starts_with(prefix)) found.push_back({upload.first, id, begun});
    return found;
  }

  std::map<std::string, std::string> objects;
  std::map<std::string, std::pair<std::string, std::map<int, std::string>>> uploads;
  size_t parts = 0;
  Timestamp begun = now();

 private:
  static std::string cat_tag(int number) { return "tag" + std::to_string(number); }
  std::mutex mutex_;
  int last_upload_ = 0;
};

class BytesRemote : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open() {
    RemoteOptions options;
    options.prefix = "some/";
    options.part_size = 1u << 20;
    return open_remote(service_, key_.clone(), options).value();
  }
  std::shared_ptr<MemoryService> service_ = std::make_shared<MemoryService>();
  SecretBytes key_ = crypto::random_secret(32);
};

TEST(BytesDrivers, ALocalDiskIsAStore) {
  auto disk = std::make_shared<FakeDisk>(FakeDisk::Options{});
  const SecretBytes key = crypto::random_secret(32);
  expect_a_store([&] { return open_local(disk->mount(), "/disk/data", key.clone()).value(); });
}

TEST_F(BytesRemote, IsAStore) {
  expect_a_store([&] { return open(); });
  EXPECT_GT(service_->parts, 3u);
  EXPECT_TRUE(service_->uploads.empty());
  for (const auto& [key, content] : service_->objects) EXPECT_TRUE(key.starts_with("some/")) << key;
}

TEST_F(BytesRemote, RefusesAnotherRootKeyAndALaterFormat) {
  open();
  EXPECT_NE(open_remote(service_, crypto::random_secret(32), {.prefix = "some/"})
                .error()
                .message.find("another root key"),
            std::string::npos);
  service_->objects["some/FORMAT"][13] = '3';
  EXPECT_NE(
      open_remote(service_, key_.clone(), {.prefix = "some/"}).error().message.find("version 3"),
      std::string::npos);
}

TEST_F(BytesRemote, DamageIsRefusedFoundAndSetAside) {
  auto store = open();
  std::vector<ObjectId> ids;
  for (size_t size : {100u, 3'000'000u, 200u})
    ids.push_back(store->put(std::string(size, 'x'))->id);
  auto& large = service_->objects["some/objects/" + ids[1].substr(0, 2) + "/" + ids[1]];
  large[large.size() / 2] ^= 1;
  service_->objects["some/objects/" + ids[0].substr(0, 2) + "/" + ids[0]].pop_back();
  service_->objects["some/objects/zz/other"] = "x";
  EXPECT_EQ(store->get(ids[0], 1u << 23).error().wire_code, "DataCorruption");
  EXPECT_EQ(store->get(ids[1], 1u << 23).error().wire_code, "DataCorruption");
  CheckReport report = store->check({.quarantine = true}).value();
  EXPECT_EQ(report.damaged, 2u);
  EXPECT_EQ(report.findings.size(), 3u);
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(store->open(ids[1]).error().wire_code, "DataCorruption");
    EXPECT_EQ(*store->get(ids[2], 300), std::string(200, 'x'));
    report = store->check().value();
    EXPECT_EQ(report.quarantined, 2u);
    EXPECT_EQ(report.damaged, 0u);
    store = open();
  }
  ASSERT_TRUE(store->remove(ids[1]).ok());
  EXPECT_EQ(store->open(ids[1]).error().code, Code::kNotFound);
}

TEST_F(BytesRemote, EndsUploadsThatNobodyCompletes) {
  auto store = open();
  (void)service_->begin_upload("some/objects/aa/x");
  (void)service_->begin_upload("elsewhere");
  ASSERT_TRUE(store->compact().ok());
  EXPECT_EQ(service_->uploads.size(), 2u);
  service_->begun = now() - std::chrono::hours(24 * 8);
  ASSERT_TRUE(store->compact().ok());
  EXPECT_EQ(service_->uploads.size(), 1u);
}

// Two processes share a store: what one makes, under keys it makes, the other reads.
TEST_F(BytesRemote, SeveralProcessesShareIt) {
  auto one = open(), two = open();
  WriteOptions options;
  options.scope = "new";
  auto writer = one->create(options).value();
  ASSERT_TRUE(writer->append(std::as_bytes(std::span(std::string_view("content")))).ok());
  const ObjectId id = writer->finish()->id;
  EXPECT_EQ(*two->get(id, 100), "content");
}

}  // namespace
}  // namespace lazuli::bytes
