// SPDX-License-Identifier: Apache-2.0
#include "core/vault.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "codec/text.h"
#include "core/root_key.h"
#include "crypto/random.h"

namespace lazuli::core {
namespace {

std::string hex(const SecretBytes& secret) { return to_hex(secret.expose()); }

TEST(Vault, SealsForOnePlaceOnly) {
  SecretBytes root = crypto::random_secret(32);
  auto vault = make_vault(root);
  std::string sealed = vault->seal("identity.client_secret/1", "hunter2");
  EXPECT_EQ(sealed.find("hunter2"), std::string::npos);
  EXPECT_NE(sealed, vault->seal("identity.client_secret/1", "hunter2"));
  EXPECT_EQ(make_vault(root)->open("identity.client_secret/1", sealed)->expose(), "hunter2");
  EXPECT_EQ(vault->open("x", vault->seal("x", ""))->expose(), "");
  EXPECT_EQ(vault->open("identity.client_secret/2", sealed).error().wire_code, "DataCorruption");
  EXPECT_FALSE(
      make_vault(crypto::random_secret(32))->open("identity.client_secret/1", sealed).ok());
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    EXPECT_FALSE(vault->open("identity.client_secret/1", changed).ok());
  }
  EXPECT_FALSE(vault->open("identity.client_secret/1", "").ok());
}

TEST(Vault, DerivesStableKeysPerPurpose) {
  SecretBytes root = crypto::random_secret(32);
  EXPECT_EQ(hex(make_vault(root)->derive("a")), hex(make_vault(root)->derive("a")));
  EXPECT_NE(hex(make_vault(root)->derive("a")), hex(make_vault(root)->derive("b")));
  EXPECT_NE(hex(make_vault(root)->derive("a")), hex(root));
}

class VaultRootKey : public ::testing::Test {
 protected:
  VaultRootKey() {
    char pattern[] = "/tmp/lazuli-root-key-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    path_ = folder_ + "/root.key";
  }
  ~VaultRootKey() override { std::filesystem::remove_all(folder_); }
  std::string refusal() { return load_or_create_root_key(folder_).error().message; }

  std::string folder_;
  std::string path_;
};

TEST_F(VaultRootKey, IsMadeOncePrivatelyAndLeavesNothingElse) {
  mode_t old_mask = ::umask(0);
  SecretBytes key = *load_or_create_root_key(folder_);
  ::umask(old_mask);
  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ(hex(*load_or_create_root_key(folder_)), hex(key));
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(info.st_nlink, 1u);
  auto entries = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(VaultRootKey, IsTheSameForThoseWhoComeTogether) {
  std::vector<std::string> keys(8);
  std::vector<std::thread> threads;
  for (std::string& key : keys)
    threads.emplace_back([&] { key = hex(*load_or_create_root_key(folder_)); });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& key : keys) EXPECT_EQ(key, keys[0]);
}

TEST_F(VaultRootKey, RefusesWhatIsUnsafeOrBroken) {
  ASSERT_TRUE(load_or_create_root_key(folder_).ok());
  ::chmod(path_.c_str(), 0640);
  EXPECT_NE(refusal().find("chmod 600"), std::string::npos);
  ::chmod(path_.c_str(), 0600);
  std::ofstream(path_, std::ios::app) << "x";
  EXPECT_NE(refusal().find("32 bytes"), std::string::npos);
  std::filesystem::rename(path_, folder_ + "/other");
  std::filesystem::create_symlink("other", path_);
  EXPECT_FALSE(load_or_create_root_key(folder_).ok());
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_NE(refusal().find("regular"), std::string::npos);
  EXPECT_FALSE(load_or_create_root_key(folder_ + "/absent").ok());
}

}  // namespace
}  // namespace lazuli::core
