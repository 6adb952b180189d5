// SPDX-License-Identifier: Apache-2.0
#include "engines/compute/compute.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/fd.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/strings.h"
#include "proc/run.h"

namespace lazuli::compute {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Beside the tests themselves.
std::string supervisor_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "lazuli_supervisor";
}

class Ends final : public ExitListener {
 public:
  void on_exit(const ProcessStatus& status) override {
    std::lock_guard lock(mutex_);
    ends_.push_back(status);
    changed_.notify_all();
  }
  ProcessStatus wait_for(const std::string& id) {
    std::unique_lock lock(mutex_);
    const ProcessStatus* found = nullptr;
    changed_.wait_for(lock, seconds(30), [&] { return (found = find(id)) != nullptr; });
    return found ? *found : ProcessStatus{id, ProcessState::kStarting, -1, "no end in 30 s"};
  }
  size_t count() {
    std::lock_guard lock(mutex_);
    return ends_.size();
  }

 private:
  const ProcessStatus* find(const std::string& id) const {
    for (const ProcessStatus& status : ends_)
      if (status.id == id) return &status;
    return nullptr;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ProcessStatus> ends_;
};

// The server's end of the relay: answers "hello " and what it got first.
class EchoServer {
 public:
  explicit EchoServer(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ::unlink(path.c_str());
    ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(socket_.get(), 16);
    thread_ = std::thread([this] { serve(); });
  }
  ~EchoServer() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }

 private:
  void serve() {
    for (;;) {
      Fd peer(::accept(socket_.get(), nullptr, nullptr));
      if (!peer.valid()) return;
      char buffer[256];
      ssize_t count = ::read(peer.get(), buffer, sizeof buffer);
      std::string answer = cat({"hello ", {buffer, static_cast<size_t>(std::max(count, {0}))}});
      (void)!::write(peer.get(), answer.data(), answer.size());
    }
  }
  Fd socket_;
  std::thread thread_;
};

// Both ways of confinement, each with all the tests.
class Compute : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    folder_ = cat({"/tmp/lazuli-compute-", random_name(10)});
    ASSERT_TRUE(make_folder(folder_ + "/work"));
    open_engine();
  }
  void TearDown() override {
    engine_.reset();
    (void)remove_tree(folder_);
  }

  Options options() const {
    return {folder_ + "/processes", supervisor_program(), folder_ + "/relay.sock", GetParam()};
  }
  void open_engine() {
    auto engine = Engine::create(options());
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(engine).value();
    ends_ = std::make_unique<Ends>();
    engine_->set_listener(*ends_);
    auto started = engine_->start();
    ASSERT_TRUE(started) << started.error().message;
  }

  ProcessSpec shell(const std::string& id, const std::string& script) const {
    ProcessSpec spec;
    spec.id = id;
    spec.argv = {"/bin/sh", "-c", script};
    spec.working_directory = folder_ + "/work";
    spec.mounts = {{folder_ + "/work", "", true}};
    spec.host_names = {"blob.example.localhost"};
    spec.grace = seconds(1);
    return spec;
  }
  ProcessStatus run(ProcessSpec spec) {
    std::string id = spec.id;
    auto submitted = engine_->submit(std::move(spec));
    if (!submitted.ok()) return {id, ProcessState::kStarting, -1, submitted.error().message};
    return ends_->wait_for(id);
  }
  std::string log(const std::string& id) {
    return read_file(engine_->log_path(id)).value_or("(no log)");
  }
  bool wait_running(const std::string& id) {
    for (int i = 0; i < 500; ++i) {
      auto status = engine_->status(id);
      if (status.ok() && status->state == ProcessState::kRunning) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }

  std::string folder_;
  std::unique_ptr<Ends> ends_;
  std::unique_ptr<Engine> engine_;
};

INSTANTIATE_TEST_SUITE_P(Namespaces, Compute, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Landlock, Compute, testing::Values(true));

// Where this machine (a container, say) refuses namespaces, both ways come down to one.
bool namespaces_refused() {
  const char* probe = ::geteuid() == 0 ? "unshare --mount --pid --net --fork true 2>/dev/null"
                                       : "unshare --user --mount --net true 2>/dev/null";
  return std::system(probe) != 0;
}

TEST_P(Compute, TellsItsIsolation) {
  bool confined = GetParam() || namespaces_refused();
  EXPECT_EQ(engine_->isolation(), confined ? "landlock+seccomp" : "bubblewrap");
}

TEST_P(Compute, ReportsExitCodesAndSignals) {
  ProcessStatus good = run(shell("good", "echo out; echo err >&2; exit 0"));
  EXPECT_EQ(good.state, ProcessState::kExited) << good.error << log("good");
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_EQ(good.error, "");
  EXPECT_EQ(log("good"), "out\nerr\n");
  EXPECT_GT(good.started, Timestamp());
  EXPECT_GE(good.ended, good.started);
  EXPECT_EQ(run(shell("bad", "exit 42")).exit_code, 42);
  ProcessStatus killed = run(shell("killed", "kill -9 $$"));
  EXPECT_EQ(killed.state, ProcessState::kSignaled);
  EXPECT_EQ(killed.exit_code, 9);
}

TEST_P(Compute, SaysWhyACommandCannotRun) {
  ProcessSpec spec = shell("absent", "");
  spec.argv = {"no-such-program"};
  ProcessStatus absent = run(std::move(spec));
  EXPECT_EQ(absent.exit_code, 127);
  EXPECT_NE(absent.error.find("cannot run 'no-such-program'"), std::string::npos) << absent.error;
  spec = shell("nowhere", "true");
  spec.working_directory = "/no/such/folder";
  ProcessStatus nowhere = run(std::move(spec));
  EXPECT_EQ(nowhere.exit_code, 126);
  EXPECT_NE(nowhere.error.find("/no/such/folder"), std::string::npos) << nowhere.error;
}

TEST_P(Compute, RunsAnIdOnce) {
  std::string script = "echo x >> count";
  EXPECT_EQ(run(shell("once", script)).exit_code, 0);
  EXPECT_TRUE(engine_->submit(shell("once", script)));
  EXPECT_EQ(run(shell("other", "true")).exit_code, 0);
  EXPECT_EQ(read_file(folder_ + "/work/count").value_or(""), "x\n");
  EXPECT_EQ(ends_->count(), 2u);
}

TEST_P(Compute, EndsWhatTakesTooLong) {
  ProcessSpec spec = shell("slow", "trap 'echo stopping; exit 3' TERM; sleep 60 & wait");
  spec.timeout = seconds(3);  // a busy machine takes a second to reach the trap
  ProcessStatus status = run(std::move(spec));
  EXPECT_EQ(status.state, ProcessState::kTimedOut) << status.error;
  EXPECT_EQ(log("slow"), "stopping\n");
}

TEST_P(Compute, CancelsPolitelyThenForcibly) {
  ASSERT_TRUE(
      engine_->submit(shell("stubborn", "trap '' TERM; echo ready; while :; do sleep 0.1; done")));
  for (int i = 0; i < 1000 && log("stubborn") != "ready\n"; ++i)
    std::this_thread::sleep_for(milliseconds(10));
  auto began = SteadyClock::now();
  engine_->cancel("stubborn");
  EXPECT_EQ(ends_->wait_for("stubborn").state, ProcessState::kCanceled);
  EXPECT_GE(SteadyClock::now() - began, milliseconds(900));
  EXPECT_LT(SteadyClock::now() - began, seconds(20));
}

// Of all processes of this machine.
std::string all_command_lines() {
  proc::RunOptions list;
  list.spawn.argv = {"/bin/sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"};
  list.output_bytes_max = 16u << 20;
  return proc::run(std::move(list))->output;
}

TEST_P(Compute, CancelsDuringTheStart) {
  for (int i = 0; i < 12; ++i) {
    std::string id = "early" + std::to_string(i);
    ASSERT_TRUE(engine_->submit(shell(id, "sleep 60")));
    std::this_thread::sleep_for(milliseconds(3 * i));
    engine_->cancel(id);
    EXPECT_EQ(ends_->wait_for(id).state, ProcessState::kCanceled);
  }
  // A sandbox half made must not stay either.
  EXPECT_EQ(all_command_lines().find(folder_), std::string::npos);
}

// The supervisor of a process that was just submitted, found as a stranger would.
std::optional<pid_t> supervisor_of(const std::string& place) {
  for (auto deadline = SteadyClock::now() + seconds(10); SteadyClock::now() < deadline;) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      auto pid = parse_int(entry.path().filename().string());
      if (!pid) continue;
      std::string line = read_file(entry.path() / "cmdline").value_or("");
      if (line.ends_with(cat({std::string_view("supervise\0", 10), place, std::string(1, '\0')})))
        return static_cast<pid_t>(*pid);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return {};
}

TEST_P(Compute, ASupervisorKilledAtAnyMomentLeavesNobodyBehind) {
  const std::string mark = "271" + std::to_string(::getpid());
  for (int i = 0; i < 25; ++i) {
    std::string id = "shot" + std::to_string(i);
    ASSERT_TRUE(engine_->submit(shell(id, "sleep " + mark)));
    auto pid = supervisor_of(folder_ + "/processes/" + id);
    ASSERT_TRUE(pid);
    std::this_thread::sleep_for(std::chrono::microseconds(700 * i));
    ::kill(*pid, SIGKILL);
    EXPECT_EQ(ends_->wait_for(id).state, ProcessState::kLost);
  }
  std::string left;
  for (int tries = 0; tries < 200; ++tries) {
    left = all_command_lines();
    if (left.find(folder_) == std::string::npos && left.find(mark) == std::string::npos) return;
    std::this_thread::sleep_for(milliseconds(10));
  }
  FAIL() << left;
}

TEST_P(Compute, LeavesNobodyBehind) {
  std::string mark = "314" + std::to_string(::getpid());
  EXPECT_EQ(
      run(shell("parent", "setsid sleep " + mark + " & (sleep " + mark + " &) ; exit 0")).exit_code,
      0);
  EXPECT_EQ(all_command_lines().find("sleep " + mark), std::string::npos);
}

TEST_P(Compute, WritesNowhereButItsMounts) {
  ProcessStatus status = run(shell("writer",
                                   "echo ok > inside && echo tmp > $TMPDIR/x && "
                                   "for f in /usr/x /etc/x /x /root/x /var/x /opt/x /sys/x; do "
                                   "  (echo no > $f) 2>/dev/null && echo wrote $f; done; exit 0"));
  EXPECT_EQ(status.exit_code, 0) << status.error;
  EXPECT_EQ(log("writer"), "");
  EXPECT_EQ(read_file(folder_ + "/work/inside").value_or(""), "ok\n");
}

TEST_P(Compute, SeesNeitherSecretsNorOtherProcesses) {
  std::string hidden = folder_ + "/hidden";
  ASSERT_TRUE(write_file_durably(hidden, "secret"));
  ProcessStatus status =
      run(shell("reader", "for f in " + hidden + " /etc/shadow /root/.profile /proc/" +
                              std::to_string(::getpid()) +
                              "/environ; do cat $f 2>/dev/null && echo read $f;"
                              " done; exit 0"));
  EXPECT_EQ(status.exit_code, 0) << status.error;
  EXPECT_EQ(log("reader"), "");
}

TEST_P(Compute, RefusesMountsAndNamespaces) {
  ProcessStatus status = run(shell("escape",
                                   "mount -t tmpfs none /tmp 2>/dev/null && echo mounted; "
                                   "unshare -U true 2>/dev/null && echo unshared; "
                                   "ulimit -c; grep -h NoNewPrivs /proc/self/status; exit 0"));
  EXPECT_EQ(log("escape"), "0\nNoNewPrivs:\t1\n") << status.error;
}

TEST_P(Compute, KeepsSecretsOutOfFilesAndCommandLines) {
  ProcessSpec spec = shell("secretive", "echo ${#TOKEN} $TELEMETRY $DO_NOT_TRACK; sleep 60");
  spec.secret_environment = SecretString("TOKEN=very-secret-value\nOTHER=x");
  spec.environment = {{"TELEMETRY", "off"}};
  ASSERT_TRUE(engine_->submit(std::move(spec)));
  ASSERT_TRUE(wait_running("secretive"));
  proc::RunOptions search;
  search.spawn.argv = {"/bin/sh", "-c",
                       "grep -l very-secret-value -r " + folder_ +
                           "; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | "
                           "grep -c '^TOKEN=very'; exit 0"};
  EXPECT_EQ(proc::run(std::move(search))->output, "0\n");
  engine_->cancel("secretive");
  ends_->wait_for("secretive");
  EXPECT_EQ(log("secretive"), "17 off 1\n");
}

constexpr const char* kAsk = R"(
import os, socket, sys
proxy = os.environ.get("HTTPS_PROXY")
if proxy:
    s = socket.create_connection(("127.0.0.1", int(proxy.rsplit(":", 1)[1])), 10)
    s.sendall(b"CONNECT blob.example.localhost:443 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert s.recv(100).endswith(b"\r\n\r\n")
else:
    s = socket.create_connection(("blob.example.localhost", 443), 10)
s.sendall(b"world")
print(s.recv(100).decode(), flush=True)
)";

TEST_P(Compute, ReachesTheServerAgainAfterItsRestart) {
  std::string socket = folder_ + "/relay.sock";
  ASSERT_TRUE(write_file_durably(folder_ + "/work/ask.py", kAsk));
  auto server = std::make_unique<EchoServer>(socket);
  ASSERT_TRUE(engine_->submit(shell("asker",
                                    "python3 ask.py && touch asked && "
                                    "while ! [ -e again ]; do sleep 0.02; done; python3 ask.py")));
  for (int i = 0; i < 500 && !file_exists(folder_ + "/work/asked"); ++i)
    std::this_thread::sleep_for(milliseconds(20));
  server.reset();
  ASSERT_TRUE(write_file_durably(folder_ + "/work/again", ""));
  std::this_thread::sleep_for(milliseconds(300));  // it asks while nobody is there
  server = std::make_unique<EchoServer>(socket);
  EXPECT_EQ(ends_->wait_for("asker").exit_code, 0);
  EXPECT_EQ(log("asker"), "hello world\nhello world\n");
}

TEST_P(Compute, ReachesNobodyElse) {
  ASSERT_TRUE(write_file_durably(folder_ + "/work/out.py", R"(
import socket
for family, address in ((socket.AF_INET, ("127.0.0.1", 22)), (socket.AF_INET, ("192.0.2.1", 80))):
    try:
        s = socket.socket(family)
        s.settimeout(3)
        s.connect(address)
        print("connected", address)
    except PermissionError: pass
    except ConnectionRefusedError: pass
    except OSError as e:
        assert e.errno in (101, 111), e
try:
    socket.getaddrinfo("example.com", 80)
    print("resolved")
except OSError: pass
)"));
  EXPECT_EQ(run(shell("outgoing", "python3 out.py")).exit_code, 0) << log("outgoing");
  EXPECT_EQ(log("outgoing"), "");
}

TEST_P(Compute, OutlivesTheServerAndIsAdopted) {
  engine_.reset();
  pid_t server = ::fork();
  if (server == 0) {
    auto engine = Engine::create(options());
    bool good = engine.ok() && (*engine)->start().ok() &&
                (*engine)->submit(shell("long", "echo one; sleep 1; echo two; exit 7")).ok() &&
                (*engine)->submit(shell("brief", "exit 5")).ok();
    if (good) ::pause();
    ::_exit(1);
  }
  for (int i = 0; i < 500 && !file_exists(folder_ + "/processes/long/running.json"); ++i)
    std::this_thread::sleep_for(milliseconds(10));
  for (int i = 0; i < 500 && !file_exists(folder_ + "/processes/brief/end.json"); ++i)
    std::this_thread::sleep_for(milliseconds(10));
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);

  open_engine();
  EXPECT_EQ(engine_->status("long")->state, ProcessState::kRunning);
  EXPECT_EQ(ends_->wait_for("brief").exit_code, 5);
  EXPECT_EQ(ends_->wait_for("long").exit_code, 7);
  EXPECT_EQ(log("long"), "one\ntwo\n");

  engine_.reset();
  open_engine();  // told again until forgotten
  EXPECT_EQ(ends_->wait_for("brief").exit_code, 5);
  EXPECT_EQ(ends_->wait_for("long").exit_code, 7);
  EXPECT_TRUE(engine_->forget("long"));
  EXPECT_TRUE(engine_->forget("brief"));
  EXPECT_EQ(engine_->status("long").error().code, Code::kNotFound);
  engine_.reset();
  open_engine();
  EXPECT_EQ(run(shell("after", "true")).exit_code, 0);
  EXPECT_EQ(ends_->count(), 1u);
}

TEST_P(Compute, CancelsAnAdoptedProcess) {
  ASSERT_TRUE(engine_->submit(shell("kept", "sleep 60")));
  ASSERT_TRUE(wait_running("kept"));
  engine_.reset();
  open_engine();
  engine_->cancel("kept");
  EXPECT_EQ(ends_->wait_for("kept").state, ProcessState::kCanceled);
}

TEST_P(Compute, ReportsALostProcess) {
  ASSERT_TRUE(engine_->submit(shell("doomed", "sleep 60")));
  ASSERT_TRUE(wait_running("doomed"));
  auto pid = parse_int(read_file(folder_ + "/processes/doomed/begun").value_or(""));
  ASSERT_TRUE(pid);
  EXPECT_EQ(engine_->forget("doomed").error().code, Code::kConflict);
  ::kill(static_cast<pid_t>(*pid), SIGKILL);
  ProcessStatus status = ends_->wait_for("doomed");
  EXPECT_EQ(status.state, ProcessState::kLost);
  EXPECT_EQ(engine_->status("doomed")->state, ProcessState::kLost);
}

TEST_P(Compute, StartsWhatAServerAcceptedButCouldNotStart) {
  ASSERT_TRUE(engine_->submit(shell("accepted", "echo ran; exit 4")));
  EXPECT_EQ(ends_->wait_for("accepted").exit_code, 4);
  engine_.reset();
  std::string place = folder_ + "/processes/accepted";
  for (const char* name : {"begun", "running.json", "end.json", "log"})
    std::filesystem::remove(place + "/" + name);
  open_engine();
  EXPECT_EQ(ends_->wait_for("accepted").exit_code, 4);
  EXPECT_EQ(log("accepted"), "ran\n");
}

TEST_P(Compute, RefusesHostileDescriptions) {
  ProcessSpec spec = shell("x", "true");
  spec.host_names = {"evil\n1.2.3.4 name"};
  EXPECT_FALSE(engine_->submit(std::move(spec)));
  spec = shell("x", "true");
  spec.mounts = {{"/tmp/../etc", "", true}};
  EXPECT_FALSE(engine_->submit(std::move(spec)));
  spec = shell("", "true");
  EXPECT_FALSE(engine_->submit(std::move(spec)));
  spec = shell("../../escape", "exit 6");  // odd, but a name like any other
  EXPECT_EQ(run(std::move(spec)).exit_code, 6);
}

TEST_P(Compute, StartsQuickly) {
  run(shell("warm", "true"));
  std::vector<double> started;
  for (int i = 0; i < 10; ++i) {
    auto began = now();
    ProcessStatus status = run(shell("quick" + std::to_string(i), "true"));
    started.push_back(static_cast<double>((status.started - began).count()) / 1000);
  }
  std::sort(started.begin(), started.end());
  RecordProperty("submit_to_start_ms_p50", std::to_string(started[5]));
  std::printf("submit to start: p50 %.1f ms, max %.1f ms\n", started[5], started[9]);
  EXPECT_LT(started[0], 250);  // the quickest: this machine does other things as well
}

}  // namespace
}  // namespace lazuli::compute
