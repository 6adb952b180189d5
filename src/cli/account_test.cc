// SPDX-License-Identifier: Apache-2.0
#include "cli/account.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/files.h"
#include "base/ids.h"

namespace lazuli::cli {
namespace {

TEST(CliAccount, IsKeptForItsOwnerAlone) {
  const std::string folder =
      std::filesystem::temp_directory_path() / ("lazuli-account-" + new_uuid());
  ASSERT_TRUE(make_folder(folder).ok());
  EXPECT_FALSE(load_account(folder)->has_value());
  Account account{.tenant = "t", .client_id = "c"};
  account.refresh_token = SecretString("refresh");
  account.tokens["a"] = {SecretString("token"), from_micros(1900000000000000)};
  ASSERT_TRUE(save_account(folder, account).ok());
  struct stat info = {};
  ASSERT_EQ(::stat((folder + "/login.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const auto loaded = load_account(folder);
  ASSERT_TRUE(loaded.ok() && loaded->has_value());
  EXPECT_EQ((*loaded)->kind, Account::Kind::kUser);
  EXPECT_EQ((*loaded)->refresh_token.expose(), "refresh");
  EXPECT_EQ((*loaded)->tokens.at("a").token.expose(), "token");
  EXPECT_EQ((*loaded)->tokens.at("a").expires, account.tokens["a"].expires);
  EXPECT_TRUE(*forget_account(folder));
  EXPECT_FALSE(*forget_account(folder));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lazuli::cli
