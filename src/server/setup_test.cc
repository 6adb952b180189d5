// SPDX-License-Identifier: Apache-2.0
// The first person, made with the one-time code of the first start.
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/strings.h"
#include "server/setup.h"
#include "server/testing.h"

namespace lazuli::server {
namespace {

using testing::Answer;
using testing::Caller;

class ServerSetup : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = server_.start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    code_ = std::string(trim(read_file(setup_code_file(server_.folder())).value()));
    ASSERT_FALSE(code_.empty());
  }
  Answer redeem(const std::string& code, const std::string& peer = "127.0.0.1") {
    const Json body = Json::object({{"code", code},
                                    {"userPrincipalName", "ada@example.com"},
                                    {"displayName", "Ada"},
                                    {"password", "correct Horse 7"}});
    return server_.call({.method = http::Method::kPost,
                         .host = "",
                         .target = "/setup",
                         .body = body.dump(),
                         .caller = Caller::kNobody,
                         .peer = peer});
  }
  testing::WholeServer server_;
  std::string code_;
};

TEST_F(ServerSetup, TakesTheCodeOnce) {
  EXPECT_EQ(redeem("AAAA-AAAA-AAAA-AAAA").status, 403);
  const Answer made = redeem(code_);
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json()["userPrincipalName"].text(), "ada@example.com");
  EXPECT_FALSE(read_file(setup_code_file(server_.folder())).ok()) << "the code's file is gone";
  EXPECT_EQ(redeem(code_).status, 403);
}

TEST_F(ServerSetup, TakesNoCodeFromAJob) {
  EXPECT_EQ(redeem(code_, "unix:4711").status, 403);
  EXPECT_EQ(redeem(code_).status, 201) << "a refused attempt leaves the code";
}

}  // namespace
}  // namespace lazuli::server
