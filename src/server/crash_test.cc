// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "base/strings.h"
#include "bytes/disk_fake.h"
#include "codec/text.h"
#include "db/crash_disk.h"
#include "engines/compute/descendants.h"
#include "server/testing.h"

namespace lazuli::server {
namespace {

using std::chrono::milliseconds;
using testing::Answer;

// What clients were told.
struct Ledger {
  std::mutex mutex;
  std::map<std::string, std::string> blobs;  // stored, and nobody has asked to remove them
  std::set<std::string> removed;
  std::set<std::string> jobs;
};

// Keeps a ledger of every answer while clients work, cuts the power below the database and the
// stored bytes, lets both disks lose what was not synced, and looks whether the server that comes
// up again keeps its word. Jobs run in processes of their own, with files of their own.
class ServerCrash : public ::testing::Test {
 protected:
  ServerCrash() { bytes_disk_ = std::make_shared<bytes::FakeDisk>(disk_, server_.folder()); }

  void start() {
    auto started = server_.start();
    ASSERT_TRUE(started.ok()) << started.error().message;
  }
  void prepare();
  void upload(size_t number);
  void submit(const std::string& name, const Json& properties);
  void submit_some(size_t round);
  // For that long, and until so many uploads more were answered.
  void work_until_power_cut(size_t round, milliseconds time, size_t uploads_min = 0);
  void restart(uint64_t seed, bool jobs_too);
  size_t count_broken_uploads();
  std::string end_of(const std::string& job);
  void check_job(const std::string& name, bool must_complete);
  std::string result_of(const Json& version);

  bytes::FakeDisk::Options disk_;
  db::testing::CrashDisk database_disk_;
  std::shared_ptr<bytes::FakeDisk> bytes_disk_;
  testing::WholeServer server_{{.sqlite_vfs = database_disk_.vfs_name(),
                                .file_layer = [this] { return bytes_disk_->mount(); }}};
  std::atomic<bool> working_ = false;
  Ledger ledger_;
};

Json parse(std::string_view text) { return Json::parse(text).value(); }

Json command_job(const std::string& name) {
  return Json::object(
      {{"jobType", "Command"},
       {"command", cat({"echo made by ", name, " > ${{outputs.out}}/made.txt"})},
       {"environmentId", "azureml:bare:1"},
       {"experimentName", "crash"},
       {"outputs", Json::object({{"out", Json::object({{"jobOutputType", "uri_folder"},
                                                       {"assetName", "of-" + name}})}})}});
}

Json pipeline_job(const std::string& name) {
  Json job = parse(R"({"jobType": "Pipeline", "experimentName": "crash",
      "settings": {"default_compute": "azureml:cpu-cluster"},
      "jobs": {
        "first": {"type": "command", "componentId": "azureml:first:1",
          "inputs": {"name": {"job_input_type": "literal", "value": ""}}},
        "second": {"type": "command", "componentId": "azureml:second:1",
          "inputs": {"from": {"job_input_type": "literal",
                              "value": "${{parent.jobs.first.outputs.out}}"}},
          "outputs": {"out": {"type": "literal", "value": "${{parent.outputs.out}}"}}}},
      "outputs": {"out": {"jobOutputType": "uri_folder"}}})");
  job["jobs"]["first"]["inputs"]["name"].set("value", name);
  job["outputs"]["out"].set("assetName", "of-" + name);
  return job;
}

void ServerCrash::prepare() {
  const std::string ws = server_.workspace();
  auto put = [&](const std::string& target, std::string_view properties) {
    const Answer answer =
        server_.put(ws + target, Json::object({{"properties", parse(properties)}}));
    ASSERT_EQ(answer.status, 201) << answer.body;
  };
  put("/environments/bare/versions/1", R"({"image": "bare"})");
  put("/components/first/versions/1", R"({"componentSpec": {"type": "command",
      "environment": "azureml:bare:1", "inputs": {"name": {"type": "string"}},
      "outputs": {"out": {"type": "uri_folder"}},
      "command": "echo made by ${{inputs.name}} > ${{outputs.out}}/made.txt"}})");
  put("/components/second/versions/1", R"({"componentSpec": {"type": "command",
      "environment": "azureml:bare:1", "inputs": {"from": {"type": "uri_folder"}},
      "outputs": {"out": {"type": "uri_folder"}},
      "command": "cp ${{inputs.from}}/made.txt ${{outputs.out}}/made.txt"}})");
  ASSERT_EQ(server_
                .call({.method = http::Method::kPut,
                       .host = server_.blob_host(),
                       .target = "/crash?restype=container",
                       .headers = {{"x-ms-version", "2024-11-04"}}})
                .status,
            201);
  submit("warm", command_job("warm"));  // the environment is built once
  check_job("warm", true);
}

// In turn a whole blob, one of two blocks, and the removal of an earlier one.
void ServerCrash::upload(size_t number) {
  const std::string path = "/crash/blob" + std::to_string(number);
  std::string content(number * 7919 % 200'000, static_cast<char>('a' + number % 26));
  if (number % 3 == 2) {
    const std::string old = "/crash/blob" + std::to_string(number - 2);
    {
      std::lock_guard lock(ledger_.mutex);
      if (ledger_.blobs.erase(old) == 0) return;
    }
    const Answer gone = server_.call({.method = http::Method::kDelete,
                                      .host = server_.blob_host(),
                                      .target = old,
                                      .headers = {{"x-ms-version", "2024-11-04"}}});
    std::lock_guard lock(ledger_.mutex);
    if (gone.status == 202) ledger_.removed.insert(old);
    return;
  }
  bool stored;
  if (number % 3 == 0) {
    stored = server_.put_blob(path, content).status == 201;
  } else {
    const std::string list =
        "<?xml version=\"1.0\"?><BlockList><Latest>MDE=</Latest><Latest>MDI=</Latest></BlockList>";
    const size_t half = content.size() / 2;
    stored =
        server_.put_blob(path + "?comp=block&blockid=MDE%3D", content.substr(0, half)).status ==
            201 &&
        server_.put_blob(path + "?comp=block&blockid=MDI%3D", content.substr(half)).status == 201 &&
        server_.put_blob(path + "?comp=blocklist", list).status == 201;
  }
  std::lock_guard lock(ledger_.mutex);
  if (stored) ledger_.blobs[path] = std::move(content);
}

void ServerCrash::submit(const std::string& name, const Json& properties) {
  const Answer answer = server_.put(cat({server_.workspace(), "/jobs/", name}),
                                    Json::object({{"properties", properties}}));
  std::lock_guard lock(ledger_.mutex);
  if (answer.status == 201) ledger_.jobs.insert(name);
}

void ServerCrash::submit_some(size_t round) {
  const std::string mark = std::to_string(round);
  submit("p" + mark, pipeline_job("p" + mark));
  for (int i = 0; i < 2 && working_; ++i) {
    const std::string name = cat({"c", mark, "-", std::to_string(i)});
    submit(name, command_job(name));
    std::this_thread::sleep_for(milliseconds(20));
  }
}

void ServerCrash::work_until_power_cut(size_t round, milliseconds time, size_t uploads_min) {
  const auto stored = [this] {
    const std::lock_guard lock(ledger_.mutex);
    return ledger_.blobs.size();
  };
  const size_t goal = stored() + uploads_min;
  const auto deadline = SteadyClock::now() + std::chrono::seconds(30);
  working_ = true;
  std::vector<std::thread> clients;
  for (size_t client = 0; client < 3; ++client) {
    clients.emplace_back([this, client, round] {
      for (size_t i = 0; working_; ++i) upload((round * 3 + client) * 30'000 + i);
    });
  }
  clients.emplace_back([this, round] { submit_some(round); });
  std::this_thread::sleep_for(time);
  while (stored() < goal && SteadyClock::now() < deadline)
    std::this_thread::sleep_for(milliseconds(5));
  bytes_disk_->cut_power();
  database_disk_.cut_power();
  working_ = false;
  for (std::thread& client : clients) client.join();
}

void ServerCrash::restart(uint64_t seed, bool jobs_too) {
  using Loss = bytes::FakeDisk::Loss;
  server_.stop();
  if (jobs_too) compute::end_processes_naming(server_.folder());
  database_disk_.restore(seed);
  bytes_disk_->restart(seed == 0 ? Loss::kAllUnsynced : Loss::kSomeUnsynced);
}

size_t ServerCrash::count_broken_uploads() {
  size_t broken = 0;
  for (const auto& [path, content] : ledger_.blobs) {
    const Answer answer = server_.get_blob(path);
    if (answer.status != 200 || answer.body != content) ++broken;
  }
  for (const std::string& path : ledger_.removed)
    if (server_.get_blob(path).status != 404) ++broken;
  return broken;
}

std::string ServerCrash::end_of(const std::string& job) {
  std::string status;
  for (auto deadline = SteadyClock::now() + std::chrono::seconds(90); SteadyClock::now() < deadline;
       std::this_thread::sleep_for(milliseconds(20))) {
    status = server_.get(cat({server_.workspace(), "/jobs/", job}))
                 .json()["properties"]["status"]
                 .text();
    if (status == "Completed" || status == "Failed" || status == "Canceled") break;
  }
  return status;
}

// What the job wrote into the folder that its registered output names.
std::string ServerCrash::result_of(const Json& version) {
  const std::string uri = version["properties"]["dataUri"].text();
  const Json store = server_.get(server_.workspace() + "/datastores/workspaceblobstore").json();
  const std::string container = store["properties"]["containerName"].text();
  return server_
      .get_blob(cat({"/", container, "/", uri.substr(uri.find("/paths/") + 7), "made.txt"}))
      .body;
}

// An accepted job comes to its end, and its output is registered once if it has made it.
void ServerCrash::check_job(const std::string& name, bool must_complete) {
  const std::string end = end_of(name);
  EXPECT_TRUE(end == "Completed" || (end == "Failed" && !must_complete)) << name << ": " << end;
  const Json versions =
      server_.get(cat({server_.workspace(), "/data/of-", name, "/versions"})).json()["value"];
  ASSERT_EQ(versions.size(), end == "Completed" ? 1u : 0u) << name;
  if (end == "Completed") EXPECT_EQ(result_of(versions.items()[0]), cat({"made by ", name, "\n"}));
}

TEST_F(ServerCrash, KeepsItsWord) {
  start();
  prepare();
  const int times_ms[] = {20, 60, 120, 200, 300, 450, 650, 900, 1300};
  for (size_t round = 0; round < std::size(times_ms); ++round) {
    const bool jobs_too = round % 2 == 1;
    work_until_power_cut(round, milliseconds(times_ms[round]), round < 3 ? 0 : 10);
    restart(round, jobs_too);
    start();
    EXPECT_EQ(count_broken_uploads(), 0u) << "round " << round;
    for (const std::string& job : ledger_.jobs) check_job(job, !jobs_too);
    std::erase_if(ledger_.jobs, [&](const std::string& job) { return end_of(job) == "Failed"; });
  }
  EXPECT_GT(ledger_.blobs.size(), 30u);
  EXPECT_GT(ledger_.jobs.size(), 3u);
}

// Proves that the test above would notice.
TEST_F(ServerCrash, NoticesADatabaseThatDoesNotSync) {
  start();
  prepare();
  database_disk_.ignore_syncs();
  work_until_power_cut(0, milliseconds(300), 10);
  restart(0, true);
  EXPECT_TRUE(!server_.start().ok() || count_broken_uploads() > 0);
}

TEST_F(ServerCrash, NoticesStoredBytesThatAreNotSynced) {
  disk_.file_sync_works = false;
  bytes_disk_ = std::make_shared<bytes::FakeDisk>(disk_, server_.folder());
  start();
  prepare();
  work_until_power_cut(0, milliseconds(300), 10);
  restart(0, true);
  EXPECT_TRUE(!server_.start().ok() || count_broken_uploads() > 0);
}

}  // namespace
}  // namespace lazuli::server
