// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "proc/files.h"
#include "proc/run.h"

namespace lazuli::proc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

RunOptions shell(const std::string& script) {
  RunOptions options;
  options.spawn.argv = {"/bin/sh", "-c", script};
  return options;
}

TEST(ProcRun, KeepsOutputInOrderAndTellsTheExit) {
  auto ran = run(shell("echo a; echo b >&2; echo c; exit 3"));
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->output, "a\nb\nc\n");
  EXPECT_FALSE(ran->exit.signaled);
  EXPECT_EQ(ran->exit.code, 3);
  auto killed = run(shell("kill -15 $$"));
  EXPECT_TRUE(killed->exit.signaled);
  EXPECT_EQ(killed->exit.code, SIGTERM);
}

TEST(ProcRun, StopsForTimeAndForCancel) {
  auto began = SteadyClock::now();
  RunOptions slow = shell("sleep 60 & sleep 60");
  slow.timeout = milliseconds(200);
  EXPECT_EQ(run(std::move(slow)).error().code, Code::kDeadlineExceeded);
  RunOptions cancelled = shell("trap '' TERM; sleep 60");
  cancelled.grace = milliseconds(100);
  cancelled.cancelled = [] { return true; };
  EXPECT_EQ(run(std::move(cancelled)).error().wire_code, "Cancelled");
  EXPECT_LT(SteadyClock::now() - began, seconds(10));
}

TEST(ProcRun, HandsOutLinesAndKeepsBothEndsOfLongOutput) {
  std::vector<std::string> lines;
  RunOptions options = shell("seq 1 20000; printf end");
  options.output_bytes_max = 1000;
  options.on_line = [&](std::string_view line) { lines.emplace_back(line); };
  auto ran = run(std::move(options));
  ASSERT_TRUE(ran);
  EXPECT_EQ(lines.size(), 20001u);
  EXPECT_EQ(lines.back(), "end");
  EXPECT_EQ(ran->output.substr(0, 4), "1\n2\n");
  EXPECT_EQ(ran->output.substr(ran->output.size() - 3), "end");
  EXPECT_NE(ran->output.find("bytes left out"), std::string::npos);
  EXPECT_LT(ran->output.size(), 1100u);
}

TEST(ProcSpawn, GivesTheChildOnlyWhatItWasTold) {
  Fd leaked(::fcntl(2, F_DUPFD, 50));  // as if opened without O_CLOEXEC
  RunOptions options = shell("env | grep -v PWD | sort; [ -e /proc/$$/fd/" +
                             std::to_string(leaked.get()) + " ] || echo closed; pwd");
  options.spawn.environment = {{"A=1", "B=2"}};
  options.spawn.working_directory = "/usr";
  auto ran = run(std::move(options));
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->output, "A=1\nB=2\nclosed\n/usr\n");
}

TEST(ProcSpawn, MapsFilesWhateverTheirNumbers) {
  Fd first = memory_file("first", "first").value();
  Fd second = memory_file("second", "second").value();
  RunOptions options = shell("cat <&7; cat <&9");
  options.spawn.fds = {{first.get(), 7}, {second.get(), 9}};
  EXPECT_EQ(run(std::move(options))->output, "firstsecond");
}

TEST(ProcSpawn, SaysWhatCannotRun) {
  SpawnOptions options;
  options.argv = {"/no/such/program"};
  auto child = spawn(options);
  ASSERT_FALSE(child);
  EXPECT_NE(child.error().message.find("/no/such/program"), std::string::npos);
}

TEST(ProcFiles, LocksExcludeEachOther) {
  std::string path = "/tmp/lazuli-lock-" + std::to_string(::getpid());
  Fd held = try_lock_file(path).value();
  EXPECT_TRUE(held.valid());
  EXPECT_FALSE(try_lock_file(path)->valid());
  held.reset();
  EXPECT_TRUE(try_lock_file(path)->valid());
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace lazuli::proc
