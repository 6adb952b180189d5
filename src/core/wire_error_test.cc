// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "core/arm.h"

namespace lazuli::core {
namespace {

TEST(CoreWireError, AnUnnamedInternalErrorKeepsItsCauseToTheLog) {
  Error shown = for_client(internal_error("UPDATE secret_table failed in /srv/data"), "id-1");
  EXPECT_EQ(shown.code, Code::kInternal);
  EXPECT_EQ(shown.message.find("secret_table"), std::string::npos);
  EXPECT_NE(shown.message.find("id-1"), std::string::npos);
}

TEST(CoreWireError, WhatAServiceHasNamedIsShown) {
  EXPECT_EQ(for_client(internal_error("a chunk is damaged", "DataCorruption"), "id").message,
            "a chunk is damaged");
  EXPECT_EQ(for_client(not_found("no such job"), "id").message, "no such job");
}

TEST(CoreWireError, EveryProtocolHasItsShape) {
  Error error = not_found("gone", "BlobNotFound");
  EXPECT_EQ(error_response(ErrorShape::kArm, error, "id", false).text(),
            R"({"error":{"code":"BlobNotFound","message":"gone","details":[]}})");
  EXPECT_EQ(error_response(ErrorShape::kMlflow, error, "id", false).text(),
            R"({"error_code":"BlobNotFound","message":"gone"})");
  http::Response storage = error_response(ErrorShape::kStorage, error, "id", false);
  EXPECT_EQ(storage.headers.get("x-ms-error-code"), "BlobNotFound");
  EXPECT_NE(storage.text().find("<Code>BlobNotFound</Code>"), std::string::npos);
  EXPECT_TRUE(error_response(ErrorShape::kStorage, error, "id", true).text().empty());
}

}  // namespace
}  // namespace lazuli::core
