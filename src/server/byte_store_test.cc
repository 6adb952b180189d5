// SPDX-License-Identifier: Apache-2.0
#include "server/byte_store.h"

#include <gtest/gtest.h>

#include "crypto/random.h"

namespace lazuli::server {
namespace {

TEST(ByteStoreAddress, SaysWhereAndHow) {
  const auto full =
      parse_byte_store("s3:https://s3.example.com:9000/bucket/some/place?region=eu-1&ca=/etc/a.pem")
          .value();
  EXPECT_EQ(full.s3.endpoint, "https://s3.example.com:9000");
  EXPECT_EQ(full.s3.bucket, "bucket");
  EXPECT_EQ(full.prefix, "some/place/");
  EXPECT_EQ(full.s3.region, "eu-1");
  EXPECT_EQ(full.s3.ca_file, "/etc/a.pem");
  const auto plain = parse_byte_store("s3:http://127.0.0.1:8333/b").value();
  EXPECT_EQ(plain.s3.bucket, "b");
  EXPECT_EQ(plain.prefix, "");
  EXPECT_EQ(plain.s3.region, "us-east-1");
}

TEST(ByteStoreAddress, RefusesOthers) {
  for (const char* bad : {"", "https://host/b", "s3:", "s3:https://host", "s3:https://host/",
                          "s3:ftp://host/b", "s3:https://host/b?secret=x"})
    EXPECT_EQ(parse_byte_store(bad).error().code, Code::kInvalidArgument) << bad;
}

TEST(ByteStoreAddress, NeedsKeysInTheEnvironment) {
  const auto opened = open_byte_store("s3:http://127.0.0.1:1/b", crypto::random_secret(32));
  EXPECT_EQ(opened.error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace lazuli::server
