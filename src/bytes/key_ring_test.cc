// SPDX-License-Identifier: Apache-2.0
#include "bytes/key_ring.h"

#include <gtest/gtest.h>

#include "bytes/disk_fake.h"
#include "bytes/local_store.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

constexpr char kFolder[] = "/disk/data";

class BytesKeys : public ::testing::Test {
 protected:
  BytesKeys() { reopen(); }
  void reopen() {
    store_.reset();
    store_ = *open_local(disk_->mount(), kFolder, root_.clone());
  }
  Result<ObjectInfo> put(const std::string& scope, size_t size = 1000) {
    WriteOptions options;
    options.scope = scope;
    auto writer = TRY(store_->create(options));
    const std::string content(size, 'c');
    TRY(writer->append(std::as_bytes(std::span(content))));
    return writer->finish();
  }
  std::string read(const ObjectId& id) {
    auto content = store_->get(id, 1u << 20);
    return content.ok() ? "right" : content.error().wire_code;
  }
  size_t count(const std::string& scope, KeyState state) {
    size_t count = 0;
    const std::vector<KeyInfo> keys = store_->keys().list();
    for (const KeyInfo& key : keys)
      if (key.scope == scope && key.state == state) ++count;
    return count;
  }

  std::shared_ptr<FakeDisk> disk_ = std::make_shared<FakeDisk>(FakeDisk::Options{});
  SecretBytes root_ = crypto::random_secret(32);
  std::unique_ptr<Store> store_;
};

TEST_F(BytesKeys, EachScopeHasItsOwnKeyThatSurvives) {
  const ObjectId a = put("a")->id, b = put("b")->id, own = put("")->id;
  EXPECT_EQ(store_->keys().list().size(), 3u);
  disk_->restart(FakeDisk::Loss::kAllUnsynced);
  reopen();
  for (const ObjectId& id : {a, b, own}) EXPECT_EQ(read(id), "right");
  ASSERT_TRUE(put("a").ok());
  EXPECT_EQ(store_->keys().list().size(), 3u);
}

TEST_F(BytesKeys, ARevokedKeyFailsClosedAndComesBack) {
  const ObjectId small = put("a")->id, large = put("a", 300'000)->id, other = put("b")->id;
  ASSERT_TRUE(store_->keys().revoke("a").ok());
  ASSERT_TRUE(store_->keys().revoke("never used").ok());
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(read(small), "KeyRevoked");
    EXPECT_EQ(read(large), "KeyRevoked");
    EXPECT_EQ(put("a").error().code, Code::kPermissionDenied);
    EXPECT_EQ(put("never used").error().code, Code::kPermissionDenied);
    EXPECT_EQ(store_->keys().rotate("a").error().code, Code::kPermissionDenied);
    EXPECT_EQ(read(other), "right");
    disk_->restart(FakeDisk::Loss::kAllUnsynced);
    reopen();
  }
  const CheckReport report = *store_->check({.quarantine = true});
  EXPECT_EQ(report.locked, 2u);
  EXPECT_EQ(report.damaged, 0u);
  ASSERT_TRUE(store_->keys().restore("a").ok());
  EXPECT_EQ(read(small), "right");
  EXPECT_EQ(read(large), "right");
  EXPECT_TRUE(put("a").ok());
}

TEST_F(BytesKeys, RotationWrapsNewObjectsOnly) {
  const ObjectId old = put("a")->id;
  ASSERT_TRUE(store_->keys().rotate("a").ok());
  const ObjectId fresh = put("a")->id;
  EXPECT_EQ(count("a", KeyState::kActive), 1u);
  EXPECT_EQ(count("a", KeyState::kRetired), 1u);
  reopen();
  EXPECT_EQ(read(old), "right");
  EXPECT_EQ(read(fresh), "right");
  EXPECT_EQ(count("a", KeyState::kActive), 1u);
}

TEST_F(BytesKeys, RecordsProveThemselves) {
  const SecretBytes store_key = crypto::random_secret(32);
  const KeyRecord record{std::string(16, 'n'), "scope", KeyState::kRevoked,
                         std::make_shared<const SecretBytes>(crypto::random_secret(32))};
  const std::string good = make_key_record(store_key, record);
  auto parsed = parse_key_record(store_key, record.name, good);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->scope, "scope");
  EXPECT_EQ(parsed->state, KeyState::kRevoked);
  auto refused = [&](std::string_view text, std::string_view name) {
    return parse_key_record(store_key, name, text).error().wire_code == "DataCorruption";
  };
  std::string active = good, scope = good;
  active.replace(good.find("revoked"), 7, "active");
  scope.replace(good.find("\"scope\":\"scope") + 9, 5, "other");
  EXPECT_TRUE(refused(active, record.name));
  EXPECT_TRUE(refused(scope, record.name));
  EXPECT_TRUE(refused(good, std::string(16, 'm')));
  EXPECT_FALSE(parse_key_record(crypto::random_secret(32), record.name, good).ok());
}

TEST_F(BytesKeys, ADamagedKeyStopsTheStartAndAMissingOneRefuses) {
  const ObjectId id = put("a")->id;
  const std::string path = disk_->files_below(std::string(kFolder) + "/keys")[0];
  store_.reset();
  disk_->damage(path, disk_->size_of(path) - 10, 1);
  EXPECT_EQ(open_local(disk_->mount(), kFolder, root_.clone()).error().wire_code, "DataCorruption");
  ASSERT_TRUE(disk_->mount()->remove(path).ok());
  reopen();
  EXPECT_EQ(read(id), "KeyMissing");
  const CheckReport report = *store_->check({.quarantine = true});
  EXPECT_EQ(report.damaged, 1u);
  EXPECT_EQ(report.quarantined, 0u);  // the key may come back
}

}  // namespace
}  // namespace lazuli::bytes
