// SPDX-License-Identifier: Apache-2.0
#include "services/storage/blobs.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/ids.h"
#include "base/strings.h"
#include "crypto/random.h"
#include "db/testing.h"
#include "services/storage/names.h"
#include "services/storage/store.h"

namespace lazuli::storage {
namespace {

// A byte store in a folder of its own.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("lazuli-blobs-" + new_uuid())) {
    store_ = std::move(bytes::open_local(path_, crypto::random_secret(32))).value();
  }
  ~Folder() {
    store_.reset();
    std::filesystem::remove_all(path_);
  }
  bytes::Store& store() { return *store_; }
  size_t count_objects() const {
    size_t count = 0;
    auto counted = store_->list([&](const bytes::ObjectId&) -> Result<void> {
      ++count;
      return {};
    });
    EXPECT_TRUE(counted.ok());
    return count;
  }

 private:
  std::filesystem::path path_;
  std::unique_ptr<bytes::Store> store_;
};

class StorageBlobsTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  StorageBlobsTest() { EXPECT_TRUE(blobs.create_container("acct", "data", {}).ok()); }

  static BlobPath at(const std::string& name) { return {"acct", "data", name}; }
  StagedObject staged(std::string_view content) {
    return std::move(stage_content(folder.store(), content)).value();
  }
  Result<Blob> put(const std::string& name, std::string_view content, WriteRules rules = {}) {
    return blobs.put(at(name), staged(content), {{"text/plain"}, {}}, rules);
  }
  std::string content(const std::string& name) {
    auto open = blobs.open(at(name));
    if (!open.ok()) return "error " + open.error().wire_code;
    std::string text(open->blob.size, '\0');
    auto count = open->reader->read(0, std::as_writable_bytes(std::span(text)));
    return count.ok() && *count == text.size() ? text : "short";
  }
  std::string names(const ListQuery& query) {
    auto page = blobs.list("acct", "data", query);
    if (!page.ok()) return "error";
    std::string text;
    for (const auto& item : page->items) text += (item.blob ? item.blob->name : item.prefix) + " ";
    return text + "|" + page->next;
  }
  void reclaim() {
    while (reclaimer.remove_pending().value() > 0) {
    }
  }

  Folder folder;
  db::testing::TestDatabase database{GetParam(), store::migrations()};
  db::Database::Handle db = database.handle("storage");
  Blobs blobs{db, folder.store()};
  // The service's own has not been started: the tests decide when it works.
  ReadTickets tickets;
  Reclaimer reclaimer{db, folder.store(), tickets};
};

INSTANTIATE_TEST_SUITE_P(Drivers, StorageBlobsTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(StorageBlobsTest, Containers) {
  EXPECT_EQ(blobs.create_container("acct", "data", {}).error().wire_code, "ContainerAlreadyExists");
  ASSERT_TRUE(blobs.create_container("other", "data", {{"k", "v"}}).ok());
  auto found = blobs.get_container("other", "data");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->metadata.at("k"), "v");
  auto changed = blobs.set_container_metadata("other", "data", {}, {});
  ASSERT_TRUE(changed.ok());
  EXPECT_GT(changed->etag, found->etag);
  EXPECT_EQ(blobs.list_containers("other", "", 10)->size(), 1u);
  EXPECT_TRUE(blobs.delete_container("other", "data", {}).ok());
  EXPECT_EQ(blobs.get_container("other", "data").error().wire_code, "ContainerNotFound");
}

TEST_P(StorageBlobsTest, PutReplacesAndTheOldBytesGo) {
  auto first = put("a/b.txt", "one");
  ASSERT_TRUE(first.ok()) << first.error().message;
  auto second = put("a/b.txt", "two!");
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(content("a/b.txt"), "two!");
  EXPECT_GT(second->etag, first->etag);
  EXPECT_EQ(second->created, first->created);
  EXPECT_EQ(second->content.md5.size(), 16u);
  EXPECT_EQ(folder.count_objects(), 2u);
  reclaim();
  EXPECT_EQ(folder.count_objects(), 1u);
  ASSERT_TRUE(blobs.remove(at("a/b.txt"), {}).ok());
  reclaim();
  EXPECT_EQ(folder.count_objects(), 0u);
  EXPECT_EQ(content("a/b.txt"), "error BlobNotFound");
}

TEST_P(StorageBlobsTest, RefusedWritesLeaveNoBytes) {
  ASSERT_TRUE(put("a", "one").ok());
  WriteRules create;
  create.conditions.if_none_match = "*";
  EXPECT_EQ(put("a", "two", create).error().wire_code, "BlobAlreadyExists");
  EXPECT_EQ(put("a", "two", {{}, false}).error().wire_code, "AuthorizationPermissionMismatch");
  EXPECT_EQ(put("../a", "two").error().wire_code, "InvalidResourceName");
  EXPECT_EQ(blobs.put({"acct", "nothere", "a"}, staged("x"), {}, {}).error().wire_code,
            "ContainerNotFound");
  EXPECT_EQ(content("a"), "one");
  EXPECT_EQ(folder.count_objects(), 1u);
}

TEST_P(StorageBlobsTest, EmptyBlob) {
  ASSERT_TRUE(put("empty", "").ok());
  EXPECT_EQ(content("empty"), "");
  EXPECT_EQ(blobs.get(at("empty"))->size, 0u);
  reclaim();
  EXPECT_EQ(folder.count_objects(), 0u);
}

TEST_P(StorageBlobsTest, BlocksBecomeABlob) {
  for (const auto& [id, text] : {std::pair("QUE=", "aa"), {"QkI=", "bbb"}, {"Q0M=", "c"}})
    ASSERT_TRUE(blobs.stage_block(at("big"), id, staged(text)).ok());
  EXPECT_EQ(content("big"), "error BlobNotFound");
  EXPECT_EQ(blobs.block_lists(at("big"))->uncommitted.size(), 3u);
  EXPECT_EQ(blobs.stage_block(at("big"), "QUFB", staged("x")).ok(), true);  // as long in base64
  EXPECT_EQ(blobs.stage_block(at("big"), "QUFBQUE=", staged("x")).error().wire_code,
            "InvalidBlobOrBlock");

  using From = BlockRef::From;
  auto commit = [&](std::vector<BlockRef> list) {
    return blobs.commit_blocks(at("big"), list, {{"x/y"}, {}}, {});
  };
  EXPECT_EQ(commit({{From::kLatest, "WFg="}}).error().wire_code, "InvalidBlockList");
  EXPECT_EQ(commit({{From::kCommitted, "QUE="}}).error().wire_code, "InvalidBlockList");
  ASSERT_TRUE(
      commit({{From::kLatest, "QkI="}, {From::kUncommitted, "QUE="}, {From::kLatest, "QkI="}})
          .ok());
  EXPECT_EQ(content("big"), "bbbaabbb");
  reclaim();  // the block that was not used, and the one of another length
  EXPECT_EQ(folder.count_objects(), 2u);

  ASSERT_TRUE(blobs.stage_block(at("big"), "Q0M=", staged("new")).ok());
  ASSERT_TRUE(commit({{From::kCommitted, "QUE="}, {From::kLatest, "Q0M="}}).ok());
  EXPECT_EQ(content("big"), "aanew");
  EXPECT_EQ(blobs.block_lists(at("big"))->committed.size(), 2u);
  EXPECT_TRUE(blobs.block_lists(at("big"))->uncommitted.empty());
  reclaim();
  EXPECT_EQ(folder.count_objects(), 2u);
}

TEST_P(StorageBlobsTest, ReadsAnyRangeAcrossSegments) {
  std::string whole;
  for (int i = 0; i < 20; ++i) {
    std::string piece = "piece" + std::to_string(i) + std::string(i * 37, 'x');
    ASSERT_TRUE(blobs.append(at("log"), staged(piece)).ok());
    whole += piece;
  }
  auto open = blobs.open(at("log"));
  ASSERT_TRUE(open.ok());
  for (uint64_t offset : {0u, 1u, 6u, 100u, 3000u, static_cast<unsigned>(whole.size() - 1)})
    for (size_t size : {1u, 7u, 500u, 100000u}) {
      std::string out(size, '\0');
      size_t count = open->reader->read(offset, std::as_writable_bytes(std::span(out))).value();
      EXPECT_EQ(out.substr(0, count), whole.substr(offset, size)) << offset << " " << size;
    }
  auto part = blobs.open(at("log"), 1000, 2000);
  std::string out(1000, '\0');
  EXPECT_EQ(*part->reader->read(1000, std::as_writable_bytes(std::span(out))), 1000u);
  EXPECT_EQ(out, whole.substr(1000, 1000));
  EXPECT_EQ(*open->reader->read(whole.size(), std::as_writable_bytes(std::span(whole))), 0u);
}

TEST_P(StorageBlobsTest, AGrowingBlobShowsAConsistentPrefix) {
  ASSERT_TRUE(blobs.append(at("log"), staged("line 1\n")).ok());
  auto early = blobs.open(at("log"));
  ASSERT_TRUE(blobs.append(at("log"), staged("line 2\n")).ok());
  EXPECT_EQ(content("log"), "line 1\nline 2\n");
  std::string text(100, '\0');
  size_t count = early->reader->read(0, std::as_writable_bytes(std::span(text))).value();
  EXPECT_EQ(text.substr(0, count), "line 1\n");
  EXPECT_TRUE(blobs.get(at("log"))->content.md5.empty());
}

TEST_P(StorageBlobsTest, ManyAppendsAreMerged) {
  std::string whole;
  int64_t id = 0;
  for (int i = 0; i < 200; ++i) {
    std::string line = "line " + std::to_string(i) + "\n";
    id = blobs.append(at("log"), staged(line)).value().id;
    whole += line;
    if (i % 32 == 31) EXPECT_TRUE(reclaimer.merge_small_segments(id).value());
  }
  const uint64_t etag = blobs.get(at("log"))->etag;
  EXPECT_EQ(content("log"), whole);
  EXPECT_EQ(blobs.get(at("log"))->etag, etag);
  reclaim();
  EXPECT_LT(folder.count_objects(), 40u);
  EXPECT_EQ(content("log"), whole);
}

TEST_P(StorageBlobsTest, BytesBeingReadAreNotRemoved) {
  auto put_object = folder.store().put(std::string_view("x")).value();
  ASSERT_TRUE(
      db.write([&](db::Tx& tx) { return store::add_removal(tx, put_object.id, now()); }).ok());
  {
    auto ticket = tickets.take();
    EXPECT_EQ(reclaimer.remove_pending().value(), 0u);
    EXPECT_EQ(folder.count_objects(), 1u);
  }
  auto later = tickets.take();  // began after the object had gone from the database
  EXPECT_EQ(reclaimer.remove_pending().value(), 1u);
  EXPECT_EQ(folder.count_objects(), 0u);
}

TEST_P(StorageBlobsTest, WhatACrashLeftIsFound) {
  ASSERT_TRUE(put("a", "x").ok());
  ASSERT_TRUE(blobs.stage_block(at("b"), "QUE=", staged("y")).ok());
  StagedObject orphan = staged("orphan"), late = staged("late");
  auto unknown = reclaimer.find_unknown().value();
  EXPECT_EQ(unknown.size(), 2u);
  const auto late_id = late.info().id;
  ASSERT_TRUE(blobs.put(at("late"), std::move(late), {}, {}).ok());
  EXPECT_EQ(reclaimer.give_up(unknown).value(), 1u);  // the other one has got its row
  reclaim();
  EXPECT_FALSE(folder.store().open(orphan.info().id).ok());
  EXPECT_TRUE(folder.store().open(late_id).ok());
  orphan.keep();
}

TEST_P(StorageBlobsTest, ListsByPrefixDelimiterAndPage) {
  for (const char* name : {"a.txt", "dir/1", "dir/2", "dir/sub/3", "dir0", "z/\xC3\xA4", "B"})
    ASSERT_TRUE(put(name, "x").ok());
  EXPECT_EQ(names({}), "B a.txt dir/1 dir/2 dir/sub/3 dir0 z/\xC3\xA4 |");
  EXPECT_EQ(names({"dir/", "", "", 10}), "dir/1 dir/2 dir/sub/3 |");
  EXPECT_EQ(names({"", "/", "", 10}), "B a.txt dir/ dir0 z/ |");
  EXPECT_EQ(names({"dir/", "/", "", 10}), "dir/1 dir/2 dir/sub/ |");
  EXPECT_EQ(names({"none", "", "", 10}), "|");
  // Whatever the size of a page, the pages together are the whole list.
  for (size_t count = 1; count < 8; ++count) {
    ListQuery query{"", "/", "", count};
    std::string all;
    for (int guard = 0; guard < 10; ++guard) {
      auto page = blobs.list("acct", "data", query);
      ASSERT_LE(page->items.size(), count);
      for (const auto& item : page->items) all += (item.blob ? item.blob->name : item.prefix) + " ";
      if (page->next.empty()) break;
      query.from = page->next;
    }
    EXPECT_EQ(all, "B a.txt dir/ dir0 z/ ") << count;
  }
}

TEST_P(StorageBlobsTest, MetadataAndContentHeaders) {
  auto made = put("a", "x");
  auto changed = blobs.set_metadata(at("a"), {{"upload_status", "completed"}}, {});
  ASSERT_TRUE(changed.ok());
  EXPECT_GT(changed->etag, made->etag);
  Conditions old;
  old.if_match = format_etag(made->etag);
  EXPECT_EQ(blobs.set_metadata(at("a"), {}, old).error().wire_code, "ConditionNotMet");
  ASSERT_TRUE(blobs.set_content(at("a"), {"image/png", "gzip"}, {}).ok());
  auto found = blobs.get(at("a"));
  EXPECT_EQ(found->metadata.at("upload_status"), "completed");
  EXPECT_EQ(found->content.type + found->content.encoding, "image/pnggzip");
  EXPECT_EQ(blobs.set_metadata(at("none"), {}, {}).error().wire_code, "BlobNotFound");
}

TEST_P(StorageBlobsTest, AContainersEndTakesEverything) {
  ASSERT_TRUE(put("a", "x").ok());
  ASSERT_TRUE(blobs.append(at("log"), staged("y")).ok());
  ASSERT_TRUE(blobs.stage_block(at("b"), "QUE=", staged("z")).ok());
  ASSERT_TRUE(blobs.delete_container("acct", "data", {}).ok());
  reclaim();
  EXPECT_EQ(folder.count_objects(), 0u);
}

TEST_P(StorageBlobsTest, StagedBlocksExpire) {
  ASSERT_TRUE(blobs.stage_block(at("b"), "QUE=", staged("z")).ok());
  ASSERT_TRUE(db.write([](db::Tx& tx) {
                  return store::expire_staged_blocks(tx, now() + std::chrono::hours(1), now());
                }).ok());
  reclaim();
  EXPECT_EQ(folder.count_objects(), 0u);
}

}  // namespace
}  // namespace lazuli::storage
