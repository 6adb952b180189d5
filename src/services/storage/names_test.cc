// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "services/storage/conditions.h"
#include "services/storage/names.h"
#include "services/storage/wire.h"

namespace lazuli::storage {
namespace {

TEST(StorageNames, Containers) {
  for (const char* good : {"abc", "a-b-c", "azureml-blobstore-0a1b", "123"})
    EXPECT_TRUE(check_container_name(good).ok()) << good;
  for (const char* bad : {"ab", "Abc", "a--b", "-abc", "abc-", "a_b", "a.b", "../a"})
    EXPECT_FALSE(check_container_name(bad).ok()) << bad;
  EXPECT_FALSE(check_container_name(std::string(64, 'a')).ok());
}

TEST(StorageNames, Blobs) {
  for (const char* good : {"a", "a/b", "a//b", "ä b.txt", "a/..b/c..", "dir/"})
    EXPECT_TRUE(check_blob_name(good).ok()) << good;
  for (const char* bad : {"", "..", "a/../b", "./a", "a/.", "\xC3"})
    EXPECT_FALSE(check_blob_name(bad).ok()) << bad;
  EXPECT_FALSE(check_blob_name(std::string("a\0b", 3)).ok());
  EXPECT_TRUE(check_blob_name(std::string(1024, 'a')).ok());
  EXPECT_FALSE(check_blob_name(std::string(1025, 'a')).ok());
}

TEST(StorageNames, Metadata) {
  EXPECT_TRUE(check_metadata({{"upload_status", "completed"}, {"Name2", "ä"}}).ok());
  EXPECT_FALSE(check_metadata({{"a-b", "1"}}).ok());
  EXPECT_FALSE(check_metadata({{"", "1"}}).ok());
  EXPECT_FALSE(check_metadata({{"a", std::string("\x01")}}).ok());
  EXPECT_FALSE(check_metadata({{"a", std::string(9000, 'x')}}).ok());
}

Target target(const std::string& host, const std::string& path) {
  http::RequestHead head;
  head.host = host;
  head.raw_path = path;
  return *target_of(head);
}

TEST(StorageNames, TargetsOfBothStyles) {
  Target host = target("acct.blob.core.lazuli.localhost", "/c/dir/a%20b");
  EXPECT_EQ(host.account + "|" + host.container + "|" + host.blob, "acct|c|dir/a b");
  EXPECT_FALSE(host.path_style);
  Target path = target("127.0.0.1", "/acct/c/dir/a%2Fb");
  EXPECT_EQ(path.account + "|" + path.container + "|" + path.blob, "acct|c|dir/a/b");
  EXPECT_TRUE(path.path_style);
  EXPECT_EQ(target("acct.blob.core.x", "/").container, "");
}

std::string outcome(const Result<void>& result) {
  return result.ok() ? "ok" : std::to_string(http_status(result.error().code));
}

TEST(StorageConditions, AsTheProtocolHasThem) {
  const Timestamp modified = *parse_http_date("Wed, 25 Nov 2026 10:00:00 GMT") + Duration(700000);
  const uint64_t etag = 0x8DE2C0000000001;
  auto conditions = [](std::initializer_list<std::pair<const char*, std::string>> fields) {
    http::Headers headers;
    for (const auto& [name, value] : fields) headers.add(name, value);
    return *parse_conditions(headers);
  };
  auto read = [&](std::initializer_list<std::pair<const char*, std::string>> fields) {
    return outcome(check_read(conditions(fields), etag, modified));
  };
  EXPECT_EQ(read({}), "ok");
  EXPECT_EQ(read({{"If-Match", format_etag(etag)}}), "ok");
  EXPECT_EQ(read({{"If-Match", format_etag_bare(etag)}}), "ok");
  EXPECT_EQ(read({{"If-Match", "\"0x1\", " + format_etag(etag)}}), "ok");
  EXPECT_EQ(read({{"If-Match", "\"0x1\""}}), "412");
  EXPECT_EQ(read({{"If-None-Match", format_etag(etag)}}), "304");
  EXPECT_EQ(read({{"If-None-Match", "*"}}), "304");
  EXPECT_EQ(read({{"If-Modified-Since", "Wed, 25 Nov 2026 10:00:00 GMT"}}), "304");
  EXPECT_EQ(read({{"If-Modified-Since", "Wed, 25 Nov 2026 09:59:59 GMT"}}), "ok");
  EXPECT_EQ(read({{"If-Unmodified-Since", "Wed, 25 Nov 2026 10:00:00 GMT"}}), "ok");
  EXPECT_EQ(read({{"If-Unmodified-Since", "Wed, 25 Nov 2026 09:59:59 GMT"}}), "412");

  Blob blob;
  blob.etag = etag;
  blob.modified = modified;
  EXPECT_EQ(outcome(check_create(conditions({{"If-None-Match", "*"}}), nullptr)), "ok");
  EXPECT_EQ(outcome(check_create(conditions({{"If-None-Match", "*"}}), &blob)), "409");
  EXPECT_EQ(outcome(check_create(conditions({{"If-Match", "*"}}), nullptr)), "412");
  EXPECT_EQ(outcome(check_create(conditions({{"If-None-Match", format_etag(etag)}}), &blob)),
            "412");
  http::Headers bad;
  bad.add("If-Modified-Since", "yesterday");
  EXPECT_FALSE(parse_conditions(bad).ok());
}

std::string range(const char* name, const char* value) {
  http::Headers headers;
  headers.add(name, value);
  auto parsed = range_of(headers);
  if (!parsed.ok()) return "error";
  if (!*parsed) return "none";
  return std::to_string((*parsed)->begin) + "-" +
         ((*parsed)->end ? std::to_string(*(*parsed)->end) : "");
}

TEST(StorageWire, Ranges) {
  EXPECT_EQ(range("Range", "bytes=0-9"), "0-10");
  EXPECT_EQ(range("x-ms-range", "bytes=5-"), "5-");
  EXPECT_EQ(range("Other", "x"), "none");
  for (const char* bad : {"bytes=-5", "bytes=9-5", "items=0-1", "bytes=a-b", "bytes=1"})
    EXPECT_EQ(range("Range", bad), "error") << bad;
}

TEST(StorageWire, BlockLists) {
  auto list = parse_block_list(
      "<?xml version=\"1.0\"?><BlockList><Latest>QUE=</Latest><Committed>QkI=</Committed>"
      "<Uncommitted>Q0M=</Uncommitted></BlockList>");
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 3u);
  EXPECT_EQ(list->at(1).id, "QkI=");
  EXPECT_EQ(list->at(2).from, BlockRef::From::kUncommitted);
  EXPECT_FALSE(parse_block_list("<Other/>").ok());
  EXPECT_FALSE(parse_block_list("<BlockList><Latest>?</Latest></BlockList>").ok());
  EXPECT_FALSE(parse_block_list("not xml").ok());
}

}  // namespace
}  // namespace lazuli::storage
