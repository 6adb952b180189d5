// SPDX-License-Identifier: Apache-2.0
#include "server/disk_guard.h"

#include <gtest/gtest.h>

#include "core/context.h"
#include "core/service.h"

namespace lazuli::server {
namespace {

using http::Method;

constexpr uint64_t kMoreThanAnyDisk = uint64_t{1} << 60;

Result<void> ask(DiskGuard& guard, Method method, std::string operation,
                 core::ErrorShape shape = core::ErrorShape::kArm) {
  http::Exchange exchange;
  core::Route route;
  route.method = method;
  route.operation = {std::move(operation)};
  route.errors = shape;
  const core::Installation installation;
  const core::RequestContext context(exchange, route, installation);
  return guard.check(context, "/");
}

TEST(ServerDiskGuard, AFullDiskTakesNoWritesButDeletesAndReads) {
  DiskGuard guard("/tmp", kMoreThanAnyDisk);
  for (const Method method : {Method::kPut, Method::kPatch}) {
    const auto refused = ask(guard, method, "Microsoft.X/y/write");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Code::kInsufficientStorage);
    EXPECT_EQ(refused.error().wire_code, "InsufficientStorage");
    EXPECT_NE(refused.error().message.find("nearly full"), std::string::npos);
  }
  EXPECT_FALSE(ask(guard, Method::kPost, "Microsoft.X/y/write").ok());
  EXPECT_TRUE(ask(guard, Method::kPost, "Microsoft.X/y/listKeys/action").ok());
  EXPECT_TRUE(ask(guard, Method::kDelete, "Microsoft.X/y/delete").ok());
  EXPECT_TRUE(ask(guard, Method::kGet, "Microsoft.X/y/read").ok());
}

TEST(ServerDiskGuard, StorageSaysItSoThatItsClientsStop) {
  DiskGuard guard("/tmp", kMoreThanAnyDisk);
  const auto refused =
      ask(guard, Method::kPut, "Microsoft.Storage/x/write", core::ErrorShape::kStorage);
  EXPECT_EQ(refused.error().code, Code::kConflict);
}

TEST(ServerDiskGuard, ADiskWithRoomTakesWrites) {
  DiskGuard guard("/tmp", 1);
  EXPECT_TRUE(ask(guard, Method::kPut, "Microsoft.X/y/write").ok());
  DiskGuard nowhere("/does/not/exist", kMoreThanAnyDisk);
  EXPECT_TRUE(ask(nowhere, Method::kPut, "Microsoft.X/y/write").ok());
}

}  // namespace
}  // namespace lazuli::server
