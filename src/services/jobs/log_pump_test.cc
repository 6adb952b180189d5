// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/log_pump.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "base/ids.h"
#include "base/strings.h"

namespace lazuli::jobs {
namespace {

// One growing blob, whose appends can fail before or after they took place.
class OneBlob : public storage::Storage {
 public:
  enum class Fault { kNone, kBefore, kAfter };

  Result<storage::BlobInfo> get_info(const storage::BlobPath& path) override {
    std::lock_guard lock(mutex_);
    if (content_.empty()) return not_found("no blob");
    return storage::BlobInfo{.name = path.name, .size = content_.size()};
  }
  Result<storage::BlobInfo> append(const storage::BlobPath& path,
                                   std::string_view content) override {
    std::lock_guard lock(mutex_);
    const Fault now = fault.exchange(Fault::kNone);
    if (now == Fault::kBefore) return unavailable("not written");
    content_ += content;
    if (now == Fault::kAfter) return unavailable("written, but nobody knows");
    return storage::BlobInfo{.name = path.name, .size = content_.size()};
  }
  std::string content() {
    std::lock_guard lock(mutex_);
    return content_;
  }
  std::atomic<Fault> fault = Fault::kNone;

  Result<void> ensure_account(const std::string&, const std::string&) override { return no(); }
  Result<void> ensure_container(const std::string&, const std::string&) override { return no(); }
  Result<SecretString> account_key(const std::string&) override { return no(); }
  Result<std::string> arm_id(const std::string&) override { return no(); }
  Result<void> authorize(const core::Principal&, const storage::BlobPath&,
                         storage::Access) override {
    return no();
  }
  Result<std::unique_ptr<bytes::Reader>> open(const storage::BlobPath&) override { return no(); }
  Result<storage::BlobInfo> put(const storage::BlobPath&, std::string_view,
                                const std::string&) override {
    return no();
  }
  Result<storage::BlobInfo> put_file(const storage::BlobPath&, const std::string&) override {
    return no();
  }
  Result<storage::BlobInfo> publish(const storage::BlobPath&, bytes::ObjectInfo) override {
    return no();
  }
  Result<void> remove(const storage::BlobPath&) override { return no(); }
  Result<void> list(const std::string&, const std::string&, const std::string&,
                    const std::function<Result<void>(const storage::BlobInfo&)>&) override {
    return no();
  }
  Result<std::string> make_sas(const storage::BlobPath&, const storage::SasOptions&) override {
    return no();
  }
  core::Authenticator& shared_key_authenticator() override { std::abort(); }
  core::Authenticator& sas_authenticator() override { std::abort(); }

 private:
  static Error no() { return unimplemented("not part of this test"); }
  std::mutex mutex_;
  std::string content_;
};

class JobsLogPumpTest : public testing::Test {
 protected:
  ~JobsLogPumpTest() override { std::filesystem::remove(file); }
  void write(std::string_view text) { std::ofstream(file, std::ios::app) << text << std::flush; }
  Result<void> add(LogPump& pump, uint64_t base = 0) {
    return pump.add("job", file, {"account", "container", "log"}, base);
  }
  bool wait_for(const std::string& content) {
    const auto deadline = SteadyClock::now() + std::chrono::seconds(10);
    while (blob.content() != content && SteadyClock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return blob.content() == content;
  }

  std::string file = std::filesystem::temp_directory_path() / cat({"lazuli-log-", random_name(12)});
  OneBlob blob;
};

TEST_F(JobsLogPumpTest, CopiesAFileThatGrows) {
  LogPump pump(blob);
  pump.start();
  ASSERT_TRUE(add(pump).ok());  // the file does not exist yet
  write("one\n");
  EXPECT_TRUE(wait_for("one\n"));
  write("two\n");
  EXPECT_TRUE(wait_for("one\ntwo\n"));
}

TEST_F(JobsLogPumpTest, FinishCopiesTheRest) {
  LogPump pump(blob);  // not even started
  ASSERT_TRUE(add(pump).ok());
  const std::string much(3u << 20, 'x');
  write(much);
  ASSERT_TRUE(pump.finish("job").ok());
  EXPECT_EQ(blob.content(), much);
  EXPECT_TRUE(pump.finish("job").ok());
}

TEST_F(JobsLogPumpTest, AnotherLifeGoesOnWhereTheBlobEnds) {
  ASSERT_TRUE(blob.append({}, "[notes]\n").ok());
  const uint64_t base = blob.content().size();
  write("one\n");
  {
    LogPump pump(blob);
    ASSERT_TRUE(add(pump, base).ok());
    ASSERT_TRUE(pump.finish("job").ok());
  }
  write("two\n");
  LogPump pump(blob);
  ASSERT_TRUE(add(pump, base).ok());
  ASSERT_TRUE(pump.finish("job").ok());
  EXPECT_EQ(blob.content(), "[notes]\none\ntwo\n");
}

TEST_F(JobsLogPumpTest, AFailedAppendNeitherLosesNorRepeats) {
  LogPump pump(blob);
  ASSERT_TRUE(add(pump).ok());
  for (const auto fault : {OneBlob::Fault::kBefore, OneBlob::Fault::kAfter}) {
    write("line\n");
    blob.fault = fault;
    EXPECT_FALSE(pump.finish("job").ok());
  }
  ASSERT_TRUE(pump.finish("job").ok());
  EXPECT_EQ(blob.content(), "line\nline\n");
}

}  // namespace
}  // namespace lazuli::jobs
