// SPDX-License-Identifier: Apache-2.0
#include "core/root_key_seal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/files.h"
#include "base/strings.h"
#include "codec/json.h"
#include "codec/text.h"
#include "core/root_key.h"
#include "crypto/token.h"
#include "crypto/tpm.h"

namespace lazuli::core {
namespace {

constexpr char kSoftHsm[] = "/usr/lib/softhsm/libsofthsm2.so";
constexpr char kSwtpm[] = "/usr/bin/swtpm";

std::string hex(const SecretBytes& secret) { return to_hex(secret.expose()); }

class RootKeySealing : public ::testing::Test {
 protected:
  RootKeySealing() {
    char pattern[] = "/tmp/lazuli-seal-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    data_ = folder_ + "/data";
    std::filesystem::create_directory(data_);
  }
  ~RootKeySealing() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string secret_file(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::trunc) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  RootKeySeal passphrase(const std::string& text) {
    RootKeySeal seal;
    seal.keeper = RootKeyKeeper::kPassphrase;
    seal.passphrase_file = secret_file("passphrase", text);
    return seal;
  }
  std::string key() {
    auto loaded = load_or_create_root_key(data_);
    return loaded.ok() ? hex(*loaded) : loaded.error().message;
  }
  bool has(const std::string& name) { return file_exists(data_ + "/" + name); }
  // The root key is in none of the folder's files.
  void expect_hidden(const std::string& key_hex) {
    for (const auto& each : std::filesystem::directory_iterator(data_)) {
      const std::string content = *read_file(each.path());
      EXPECT_EQ(content.find(*from_hex(key_hex)), std::string::npos);
    }
  }

  std::string folder_, data_;
};

TEST_F(RootKeySealing, APassphraseTakesTheKeyOverAndGivesItBack) {
  const std::string before = key();
  ASSERT_TRUE(seal_root_key(data_, passphrase("correct horse\n")).ok());
  EXPECT_FALSE(has("root.key"));
  EXPECT_EQ(key(), before);
  EXPECT_TRUE(has_root_key(data_));
  expect_hidden(before);
  EXPECT_EQ(root_key_seal(data_)->keeper, RootKeyKeeper::kPassphrase);

  secret_file("passphrase", "correct horse");  // a newline is no part of it
  EXPECT_EQ(key(), before);
  secret_file("passphrase", "wrong horse");
  EXPECT_NE(key().find("does not open the root key"), std::string::npos);
  secret_file("passphrase", "");
  EXPECT_NE(key().find("is empty"), std::string::npos);
  secret_file("passphrase", "correct horse", 0644);
  EXPECT_NE(key().find("can be used by others"), std::string::npos);

  secret_file("passphrase", "correct horse");
  ASSERT_TRUE(seal_root_key(data_, RootKeySeal{}).ok());
  EXPECT_TRUE(has("root.key"));
  EXPECT_FALSE(has("root.sealed"));
  EXPECT_EQ(key(), before);
}

TEST_F(RootKeySealing, ANewKeyIsNeverInTheClear) {
  ASSERT_TRUE(seal_root_key(data_, passphrase("p")).ok());
  EXPECT_FALSE(has("root.key"));
  expect_hidden(key());
}

TEST_F(RootKeySealing, AFailedChangeLeavesWhatWas) {
  const std::string before = key();
  RootKeySeal seal;
  seal.keeper = RootKeyKeeper::kPassphrase;
  seal.passphrase_file = folder_ + "/absent";
  EXPECT_FALSE(seal_root_key(data_, seal).ok());
  seal.keeper = RootKeyKeeper::kToken;
  seal.module = folder_ + "/absent.so";
  seal.pin_file = secret_file("pin", "1234");
  EXPECT_EQ(seal_root_key(data_, seal).error().code, Code::kNotFound);
  EXPECT_EQ(key(), before);
  EXPECT_FALSE(has("root.sealed"));
}

TEST_F(RootKeySealing, WhatACrashLeftIsClearedAndTwoKeysAreRefused) {
  const std::string before = key(), raw = *from_hex(before);
  ASSERT_TRUE(seal_root_key(data_, passphrase("p")).ok());
  std::ofstream(data_ + "/root.key", std::ios::binary) << raw;
  ::chmod((data_ + "/root.key").c_str(), 0600);
  EXPECT_EQ(key(), before);
  EXPECT_FALSE(has("root.key"));
  std::ofstream(data_ + "/root.key", std::ios::binary) << std::string(32, 'x');
  ::chmod((data_ + "/root.key").c_str(), 0600);
  EXPECT_NE(key().find("move the wrong one away"), std::string::npos);
}

TEST_F(RootKeySealing, ADamagedSealIsRefused) {
  key();
  ASSERT_TRUE(seal_root_key(data_, passphrase("p")).ok());
  const std::string path = data_ + "/root.sealed", good = *read_file(path);
  for (size_t i = 0; i < good.size(); i += 17) {
    std::string bad = good;
    bad[i] ^= 0x04;
    std::ofstream(path, std::ios::trunc) << bad;
    auto loaded = load_or_create_root_key(data_);
    if (loaded.ok()) EXPECT_EQ(Json::parse(bad).ok(), true);
  }
  std::ofstream(path, std::ios::trunc) << "{}";
  EXPECT_FALSE(load_or_create_root_key(data_).ok());
}

TEST_F(RootKeySealing, ATokenKeepsTheKey) {
  ASSERT_TRUE(file_exists(kSoftHsm)) << "SoftHSM is missing: run tools/setup.sh test";
  std::filesystem::create_directory(folder_ + "/tokens");
  std::ofstream(folder_ + "/softhsm.conf") << "directories.tokendir = " << folder_ << "/tokens\n";
  ::setenv("SOFTHSM2_CONF", (folder_ + "/softhsm.conf").c_str(), 1);
  ASSERT_EQ(std::system("softhsm2-util --init-token --free --label lazuli --pin 1234 "
                        "--so-pin 5678 >/dev/null 2>&1"),
            0);
  const std::string before = key();
  RootKeySeal seal;
  seal.keeper = RootKeyKeeper::kToken;
  seal.module = kSoftHsm;
  seal.token = "lazuli";
  seal.key = "root";
  seal.pin_file = secret_file("pin", "1234\n");
  auto sealed = seal_root_key(data_, seal);
  ASSERT_TRUE(sealed.ok()) << sealed.error().message;
  EXPECT_FALSE(has("root.key"));
  EXPECT_EQ(key(), before);
  expect_hidden(before);
  const std::string one = *read_file(data_ + "/root.sealed");
  ASSERT_TRUE(seal_root_key(data_, seal).ok());  // the same key in the token, another nonce
  EXPECT_NE(*read_file(data_ + "/root.sealed"), one);
  EXPECT_EQ(key(), before);

  crypto::TokenOptions options{kSoftHsm, "absent", "root", SecretString("1234")};
  EXPECT_EQ(crypto::open_with_token(options, "", std::string(60, 'x')).error().code,
            Code::kNotFound);
  options.token = "lazuli";
  EXPECT_EQ(crypto::open_with_token(options, "", std::string(60, 'x')).error().wire_code,
            "DataCorruption");
  options.key = "absent";
  EXPECT_EQ(crypto::open_with_token(options, "", std::string(60, 'x')).error().code,
            Code::kNotFound);
  secret_file("pin", "4321");
  EXPECT_NE(key().find("failed"), std::string::npos);
}

// A chip in software, on two ports of its own.
class Swtpm {
 public:
  explicit Swtpm(const std::string& folder) : pid_file_(folder + "/swtpm.pid") {
    std::filesystem::create_directory(folder + "/tpm");
    for (int i = 0; i < 20 && !running_; ++i) {
      port_ = 20000 + (static_cast<int>(::getpid()) * 7 + i * 131) % 30000;
      const std::string command =
          cat({"swtpm socket --tpm2 --tpmstate dir=", folder, "/tpm --server type=tcp,port=",
               std::to_string(port_), " --ctrl type=tcp,port=", std::to_string(port_ + 1),
               " --flags not-need-init,startup-clear --daemon --pid file=", pid_file_,
               " >/dev/null 2>&1"});
      running_ = std::system(command.c_str()) == 0;
    }
  }
  ~Swtpm() {
    int pid = 0;
    std::ifstream(pid_file_) >> pid;
    if (pid <= 0) return;
    ::kill(pid, SIGTERM);
    for (int i = 0; i < 200 && ::kill(pid, 0) == 0; ++i)  // it removes its own file
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;
  bool running() const { return running_; }
  std::string tcti() const { return cat({"swtpm:host=localhost,port=", std::to_string(port_)}); }

 private:
  const std::string pid_file_;
  int port_ = 0;
  bool running_ = false;
};

TEST_F(RootKeySealing, ATpmKeepsTheKey) {
  ASSERT_TRUE(file_exists(kSwtpm)) << "swtpm is missing: run tools/setup.sh test";
  const std::string other_folder = folder_ + "/other";
  std::filesystem::create_directory(other_folder);
  const std::string before = key();
  RootKeySeal seal;
  seal.keeper = RootKeyKeeper::kTpm;
  Swtpm chip(folder_), other(other_folder);
  ASSERT_TRUE(chip.running() && other.running());
  seal.tcti = chip.tcti();
  for (int round = 0; round < 5; ++round) {  // leaves nothing behind in the chip's few places
    auto sealed = seal_root_key(data_, seal);
    ASSERT_TRUE(sealed.ok()) << sealed.error().message;
    EXPECT_FALSE(has("root.key"));
    EXPECT_EQ(key(), before);
  }
  expect_hidden(before);

  const std::string secret = "what the chip keeps";
  const std::string value = *crypto::seal_with_tpm(chip.tcti(), std::as_bytes(std::span(secret)));
  EXPECT_EQ(hex(*crypto::open_with_tpm(chip.tcti(), value)), to_hex(secret));
  EXPECT_EQ(crypto::open_with_tpm(other.tcti(), value).error().wire_code, "DataCorruption");
  for (size_t i = 0; i < value.size(); i += 13) {
    std::string bad = value;
    bad[i] ^= 1;
    EXPECT_FALSE(crypto::open_with_tpm(chip.tcti(), bad).ok()) << i;
  }
  EXPECT_FALSE(crypto::open_with_tpm(chip.tcti(), "").ok());
}

}  // namespace
}  // namespace lazuli::core
