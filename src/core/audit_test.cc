// SPDX-License-Identifier: Apache-2.0
#include "core/audit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/files.h"
#include "base/ids.h"
#include "base/strings.h"
#include "core/vault.h"
#include "crypto/random.h"

namespace lazuli::core {
namespace {

class AuditLog : public ::testing::Test {
 protected:
  AuditLog()
      : folder_(std::filesystem::temp_directory_path() / ("lazuli-audit-" + new_uuid())),
        vault_(make_vault(crypto::random_secret(32))) {}
  ~AuditLog() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Audit> open(AuditOptions options = {}) {
    options.folder = folder_;
    auto log = open_audit(std::move(options), *vault_);
    EXPECT_TRUE(log.ok()) << (log.ok() ? "" : log.error().message);
    return std::move(*log);
  }

  static AuditEvent write_of(const std::string& resource) {
    AuditEvent event;
    event.kind = AuditKind::kWrite;
    event.object_id = "someone";
    event.operation = "Microsoft.Test/things/write";
    event.operation_id = "Things_Put";
    event.resource = resource;
    event.peer = "127.0.0.1";
    event.status = 201;
    event.request_id = new_uuid();
    return event;
  }

  void record(Audit& log, int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(log.record(write_of("/r/" + std::to_string(i))).ok());
  }

  AuditReport verify() {
    auto report = verify_audit(folder_, *vault_);
    EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message);
    return std::move(*report);
  }
  std::string faults() { return join(verify().faults, "; "); }

  std::string segment(int number = 1) const {
    return cat({folder_, "/segment-0000000", std::to_string(number), ".jsonl"});
  }
  static std::string content(const std::string& path) { return *read_file(path); }
  static void overwrite(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc | std::ios::binary) << text;
  }

  const std::string folder_;
  const std::unique_ptr<Vault> vault_;
};

TEST_F(AuditLog, ARecordIsOnDiskWhenItReturns) {
  auto log = open();
  AuditEvent event = write_of("/subscriptions/s/x");
  event.role_id = "role";
  event.assignment_id = "assignment";
  event.path = "/a\"b\xff";
  ASSERT_TRUE(log->record(event).ok());
  EXPECT_NE(content(segment()).find("/subscriptions/s/x"), std::string::npos);
  const auto found = log->find({.kinds = {AuditKind::kWrite}});
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().object_id, "someone");
  EXPECT_EQ(found->front().role_id, "role");
  EXPECT_EQ(found->front().assignment_id, "assignment");
  EXPECT_EQ(found->front().status, 201);
  EXPECT_EQ(found->front().path, "%2Fa%22b%FF");
  EXPECT_EQ(faults(), "");
}

TEST_F(AuditLog, WhatIsBegunIsJoinedWithItsEnd) {
  auto log = open();
  AuditEvent first = write_of("/first"), second = write_of("/second"), third = write_of("/third");
  first.status = second.status = third.status = 0;
  const AuditTicket one = log->begin(first).value(), two = log->begin(second).value();
  ASSERT_TRUE(log->begin(third).ok());  // and the server was killed
  ASSERT_TRUE(log->end(two, 409, "Conflict").ok());
  const std::string text = content(segment());
  EXPECT_NE(text.find("/first"), std::string::npos) << "what was begun before is on disk too";
  ASSERT_TRUE(log->end(one, 201, {}).ok());
  const auto found = log->find({.kinds = {AuditKind::kWrite}, .scope = "/"});
  ASSERT_EQ(found->size(), 3u);
  EXPECT_EQ(found->at(0).status, 0) << "nobody knows";
  EXPECT_EQ(found->at(1).status, 409);
  EXPECT_EQ(found->at(1).code, "Conflict");
  EXPECT_EQ(found->at(1).resource, "/second");
  EXPECT_EQ(found->at(2).status, 201);
  EXPECT_EQ(log->find({.count_max = 2})->size(), 2u);
  EXPECT_EQ(faults(), "");
}

TEST_F(AuditLog, AnEndIsFoundInALaterSegment) {
  AuditOptions options;
  options.segment_bytes_max = 2000;
  auto log = open(options);
  const AuditTicket begun = log->begin(write_of("/long")).value();
  record(*log, 20);
  ASSERT_TRUE(log->end(begun, 202, {}).ok());
  const auto found = log->find({.scope = "/long"});
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().status, 202);
  EXPECT_EQ(faults(), "");
}

TEST_F(AuditLog, GoesOnAfterARestartAndACrash) {
  {
    record(*open(), 3);
  }
  std::ofstream(segment(), std::ios::app) << "{\"sequence\":99,\"half";
  EXPECT_EQ(faults(), "") << "an unfinished line is a crash, not a change";
  {
    record(*open(), 2);
  }
  const AuditReport report = verify();
  EXPECT_EQ(join(report.faults, "; "), "");
  EXPECT_EQ(report.records, 6u);
  EXPECT_EQ(report.segments, 1u);
}

TEST_F(AuditLog, AnyChangeShows) {
  {
    record(*open(), 5);
  }
  const std::string good = content(segment());
  ASSERT_EQ(faults(), "");
  const auto lines = split(std::string_view(good).substr(0, good.size() - 1), '\n');
  auto rebuilt = [&](size_t leave_out, size_t swap_with) {
    std::vector<std::string> kept(lines.begin(), lines.end());
    std::swap(kept[swap_with], kept[swap_with == 2 ? 3 : swap_with]);
    if (leave_out < kept.size()) kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(leave_out));
    return join(kept, "\n") + "\n";
  };
  overwrite(segment(), replace_all(good, "/r/2", "/r/7"));
  EXPECT_NE(faults().find("MAC does not verify"), std::string::npos) << faults();
  overwrite(segment(), rebuilt(2, 0));
  EXPECT_NE(faults().find("missing"), std::string::npos) << faults();
  overwrite(segment(), rebuilt(99, 2));
  EXPECT_NE(faults(), "");
  overwrite(segment(), rebuilt(lines.size() - 1, 0));
  EXPECT_NE(faults().find("ends before it"), std::string::npos) << faults();
  overwrite(segment(), rebuilt(0, 0));
  EXPECT_NE(faults().find("begins with record 2"), std::string::npos) << faults();
  overwrite(segment(), "not a record\n" + good);
  EXPECT_NE(faults().find("no audit record"), std::string::npos) << faults();
  overwrite(segment(), good);
  EXPECT_EQ(faults(), "");
}

TEST_F(AuditLog, AnotherKeyVouchesForNothing) {
  {
    record(*open(), 1);
  }
  auto other = make_vault(crypto::random_secret(32));
  EXPECT_FALSE(verify_audit(folder_, *other).ok());
}

TEST_F(AuditLog, GoesOnBesideAChangeAndTellsOfIt) {
  {
    record(*open(), 3);
  }
  overwrite(segment(), replace_all(content(segment()), "/r/1", "/r/9"));
  {
    record(*open(), 2);
  }
  EXPECT_TRUE(file_exists(segment(2)));
  EXPECT_NE(faults().find("the server found segment 1"), std::string::npos) << faults();
}

TEST_F(AuditLog, SignsWhatIsClosedAndDropsTheOldest) {
  {
    auto log = open({.segment_bytes_max = 4000, .bytes_max = 20000});
    record(*log, 120);
  }
  const AuditReport report = verify();
  EXPECT_EQ(join(report.faults, "; "), "");
  EXPECT_FALSE(file_exists(segment(1)));
  EXPECT_GT(report.first, 1u);
  EXPECT_GT(report.segments, 2u);
  EXPECT_LT(report.records, 120u);
  uint64_t signatures = 0, size = 0;
  std::string oldest;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string path = entry.path();
    size += entry.file_size();
    if (path.ends_with(".jsonl") && (oldest.empty() || path < oldest)) oldest = path;
    if (path.ends_with(".sig")) ++signatures;
  }
  EXPECT_EQ(signatures + 1, report.segments);
  EXPECT_LT(size, 40000u);
  std::filesystem::remove(oldest);
  EXPECT_NE(faults().find("no record tells"), std::string::npos) << faults();
}

TEST_F(AuditLog, ASignatureCoversItsSegmentAlone) {
  {
    record(*open({.segment_bytes_max = 2000}), 30);
  }
  std::filesystem::copy_file(cat({folder_, "/segment-00000001.sig"}),
                             cat({folder_, "/segment-00000002.sig"}),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_NE(faults().find("segment 2: its signature does not verify"), std::string::npos);
}

TEST_F(AuditLog, IsCheckedWithThePublicKeyAlone) {
  {
    record(*open({.segment_bytes_max = 2000}), 30);
  }
  const std::string key = content(folder_ + "/public.pem");
  auto faults_of = [&] {
    const auto report = verify_audit_signatures(folder_, key);
    return report.ok() ? join(report->faults, "; ") : report.error().message;
  };
  EXPECT_EQ(faults_of(), "");
  const std::string good = content(segment(2));
  overwrite(segment(2), replace_all(good, "someone", "another"));
  EXPECT_NE(faults_of().find("segment 2: its signature"), std::string::npos) << faults_of();
  overwrite(segment(2), good);
  std::filesystem::remove(cat({folder_, "/segment-00000001.sig"}));
  EXPECT_NE(faults_of().find("no signature"), std::string::npos) << faults_of();
}

TEST_F(AuditLog, CountsReadsAndRepeatedDenials) {
  {
    auto log = open();
    AuditEvent read = write_of("/r");
    read.kind = AuditKind::kRead;
    for (int i = 0; i < 1000; ++i) log->note("read", [&] { return read; });
    AuditEvent denial = write_of("/r");
    denial.kind = AuditKind::kDenial;
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(log->record_first(denial).ok());
    const auto first = log->find({.kinds = {AuditKind::kDenial}});
    ASSERT_TRUE(first.ok());
    EXPECT_GE(first->size(), 1u) << "the first is there at once";
  }
  auto log = open();
  uint64_t reads = 0, denials = 0, records = 0;
  const auto found = log->find({});
  ASSERT_TRUE(found.ok());
  for (const AuditEvent& event : *found) {
    ++records;
    if (event.kind == AuditKind::kRead) reads += event.count;
    if (event.kind == AuditKind::kDenial) denials += event.count;
  }
  EXPECT_EQ(reads, 1000u);
  EXPECT_EQ(denials, 50u);
  EXPECT_LT(records, 20u);
}

TEST_F(AuditLog, ManyWritersShareASync) {
  auto log = open();
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) writers.emplace_back([&] { record(*log, 25); });
  for (std::thread& each : writers) each.join();
  EXPECT_EQ(log->find({.kinds = {AuditKind::kWrite}})->size(), 200u);
  EXPECT_EQ(faults(), "") << "also while it is in use";
}

TEST_F(AuditLog, FindsByScopeTimeAndRequest) {
  auto log = open();
  ASSERT_TRUE(log->record(write_of("/subscriptions/s/resourceGroups/a/x")).ok());
  const AuditEvent wanted = write_of("/subscriptions/s/resourceGroups/ab");
  ASSERT_TRUE(log->record(wanted).ok());
  EXPECT_EQ(log->find({.scope = "/subscriptions/S/resourcegroups/a"})->size(), 1u);
  EXPECT_EQ(log->find({.request_id = to_lower(wanted.request_id)})->size(), 1u);
  EXPECT_EQ(log->find({.from = now() + std::chrono::hours(1)})->size(), 0u);
  EXPECT_EQ(log->find({.until = now() - std::chrono::hours(1)})->size(), 0u);
  EXPECT_EQ(log->find({.scope = "/subscriptions", .count_max = 1})->size(), 1u);
}

TEST(AuditRelease, KnowsWhatHandsOutSecrets) {
  for (const char* yes :
       {"Microsoft.Storage/storageAccounts/listkeys/action",
        "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
        "Microsoft.MachineLearningServices/workspaces/datastores/listsecrets/action",
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/token/action",
        "Microsoft.MachineLearningServices/workspaces/environments/readSecrets/action",
        "Microsoft.ContainerRegistry/registries/listCredentials/action"})
    EXPECT_TRUE(is_credential_release({yes})) << yes;
  for (const char* no : {"Microsoft.Storage/storageAccounts/listkeys/read", "token/action/x",
                         "Microsoft.MachineLearningServices/workspaces/jobs/cancel/action"})
    EXPECT_FALSE(is_credential_release({no})) << no;
}

}  // namespace
}  // namespace lazuli::core
