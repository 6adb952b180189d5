// SPDX-License-Identifier: Apache-2.0
// The small process that stands over one job: it outlives the server and leaves the end in a file.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/log.h"
#include "base/strings.h"
#include "engines/compute/compute.h"
#include "engines/compute/control.h"
#include "engines/compute/descendants.h"
#include "engines/compute/launch.h"
#include "engines/compute/relay.h"
#include "engines/compute/sandbox.h"
#include "proc/files.h"
#include "proc/spawn.h"

namespace lazuli::compute {
namespace {

constexpr int kSandboxFailed = 125;
constexpr int kCannotRun = 126;
constexpr int kAbsent = 127;
constexpr int kSupervisorOomScore = -500;  // takes a privilege; without it the job still goes first
constexpr int kJobOomScore = 300;
constexpr int64_t kPollMsMax = 3600 * 1000;
constexpr Duration kForever = std::chrono::hours(24 * 365);
constexpr Duration kEndWait = std::chrono::seconds(5);  // for the sandbox to vanish by itself

void set_oom_score(const std::string& process, int score) {
  Fd file(::open(cat({"/proc/", process, "/oom_score_adj"}).c_str(), O_WRONLY | O_CLOEXEC));
  if (file.valid()) (void)proc::write_all(file.get(), std::to_string(score));
}

Json config_json(const Launch& launch, const ProcessFolder& folder) {
  Json environment = Json::array();
  for (const auto& [name, value] : job_environment(launch, folder))
    environment.push_back(cat({name, "=", value}));
  FileAccess files = file_access(launch, folder);
  bool landlock = launch.isolation.kind == Isolation::Kind::kLandlock;
  return Json::object({{"argv", Json::strings(launch.spec.argv)},
                       {"environment", std::move(environment)},
                       {"working_directory", launch.spec.working_directory},
                       {"namespaces", launch.isolation.namespaces()},
                       {"landlock", landlock},
                       {"memory_bytes_max", launch.spec.memory_bytes_max},
                       {"readable", Json::strings(files.readable)},
                       {"writable", Json::strings(files.writable)}});
}

class Supervisor {
 public:
  Supervisor(ProcessFolder folder, Launch launch, Fd signals)
      : folder_(std::move(folder)), launch_(std::move(launch)), signals_(std::move(signals)) {
    status_.id = launch_.spec.id;
  }

  Result<void> run() {
    take_signals();  // a cancel may have come before us
    TRY(proc::replace_file(folder_.begun(), std::to_string(::getpid())));
    TRY(proc::fsync_path(folder_.path()));  // its name alone must last
    if (!stopping_) {
      Result<void> started = start();
      if (!started.ok()) fail(kSandboxFailed, started.error().message);
    }
    while (child_ && !done_) wait_once();
    end_all();
    return finish();
  }

 private:
  Result<void> start();
  Result<Fd> open_secret() const;
  void wait_once();
  void take_signals();
  bool take_message();
  void take_time();
  void stop(ProcessState why);
  void end(ProcessState state, int code);
  void fail(int code, std::string message);
  void child_ended();
  void end_all();
  Result<void> finish();

  ProcessFolder folder_;
  Launch launch_;
  Fd signals_;
  Fd control_;
  std::unique_ptr<Relay> relay_;
  std::optional<proc::Child> child_;      // bubblewrap, or the init itself
  ProcessStatus status_;                  // kStarting until the command's end is known
  bool done_ = false;                     // nothing more to wait for
  std::optional<ProcessState> stopping_;  // kCanceled or kTimedOut once asked to end
  SteadyClock::time_point timeout_ = SteadyClock::now() + kForever;
  SteadyClock::time_point kill_ = SteadyClock::now() + kForever;
};

Result<void> Supervisor::start() {
  bool proxy = !launch_.isolation.namespaces();
  relay_ = TRY(Relay::create(
      {launch_.relay_socket, proxy ? launch_.spec.host_names : std::vector<std::string>()}));
  ControlPair control = TRY(make_control());
  control_ = std::move(control.supervisor);
  ::fcntl(control_.get(), F_SETFL, O_NONBLOCK);
  Fd config = TRY(proc::memory_file("config", config_json(launch_, folder_).dump()));
  Fd secret = TRY(open_secret());
  Fd log(::open(folder_.log().c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!log.valid()) return errno_error("open the log", errno);
  proc::SpawnOptions options;
  SandboxCommand command = TRY(sandbox_command(launch_, folder_));
  options.argv = std::move(command.argv);
  // Nothing of the job's environment: bubblewrap itself is not confined.
  options.environment = {"PATH=/usr/bin:/bin"};
  options.working_directory = "/";
  options.fds = std::move(command.fds);
  options.fds.insert(options.fds.end(), {{log.get(), 1},
                                         {log.get(), 2},
                                         {control.init.get(), kControlFd},
                                         {config.get(), kConfigFd},
                                         {secret.get(), kSecretFd}});
  child_ = TRY(proc::spawn(options));
  set_oom_score(std::to_string(child_->pid()), kJobOomScore);
  return success();
}

Result<Fd> Supervisor::open_secret() const {
  Fd file(::open(folder_.secret().c_str(), O_RDONLY | O_CLOEXEC));
  if (file.valid()) return file;
  return proc::memory_file("secret", "");
}

void Supervisor::wait_once() {
  SteadyClock::time_point deadline = std::min(timeout_, kill_);
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
  pollfd entries[4] = {{signals_.get(), POLLIN, 0},
                       {control_.get(), POLLIN, 0},
                       {child_->pidfd(), POLLIN, 0},
                       {relay_->fd(), POLLIN, 0}};
  ::poll(entries, 4, static_cast<int>(std::clamp<int64_t>(left.count(), 0, kPollMsMax)));
  if (entries[1].revents != 0)
    while (take_message()) continue;
  if (entries[0].revents != 0) take_signals();
  if (entries[3].revents != 0) relay_->step();
  if (entries[2].revents != 0) child_ended();
  take_time();
}

void Supervisor::take_signals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info)
    if (info.ssi_signo == SIGTERM) stop(ProcessState::kCanceled);
}

bool Supervisor::take_message() {
  std::optional<ControlMessage> message = receive_control(control_.get());
  if (!message) return false;
  int number = static_cast<int>(parse_int(message->text).value_or(0));
  if (message->word == "listening") {
    ::unlink(folder_.secret().c_str());  // the init has read it
    for (Fd& listener : message->fds) (void)relay_->add_listener(std::move(listener));
  } else if (message->word == "started") {
    status_.started = now();
    if (launch_.spec.timeout.count() > 0) timeout_ = SteadyClock::now() + launch_.spec.timeout;
    ProcessStatus running = status_;
    running.state = ProcessState::kRunning;
    (void)proc::replace_file(folder_.running(), to_json(running).dump());
  } else if (message->word == "exited") {
    end(ProcessState::kExited, number);
  } else if (message->word == "signaled") {
    end(ProcessState::kSignaled, number);
  } else if (message->word == "absent") {
    fail(kAbsent, message->text);
  } else if (message->word == "failed") {
    fail(kCannotRun, message->text);
  }
  return true;
}

void Supervisor::take_time() {
  SteadyClock::time_point time = SteadyClock::now();
  if (time >= timeout_) stop(ProcessState::kTimedOut);
  if (time < kill_) return;
  child_->signal(SIGKILL);
  kill_ = time + kEndWait;
}

void Supervisor::stop(ProcessState why) {
  if (stopping_ || status_.state != ProcessState::kStarting) return;
  stopping_ = why;
  timeout_ = SteadyClock::now() + kForever;
  kill_ = SteadyClock::now() + launch_.spec.grace;
  // Before the command has started there is nobody who could tidy up.
  if (status_.started == Timestamp()) kill_ = SteadyClock::now();
  if (control_.valid()) (void)send_control(control_.get(), "terminate");
}

void Supervisor::end(ProcessState state, int code) {
  if (status_.state != ProcessState::kStarting) return;
  status_.state = stopping_.value_or(state);
  status_.exit_code = code;
  status_.ended = now();
  timeout_ = SteadyClock::now() + kForever;
  kill_ = SteadyClock::now() + kEndWait;
}

void Supervisor::fail(int code, std::string message) {
  if (status_.state == ProcessState::kStarting && !stopping_) status_.error = std::move(message);
  end(ProcessState::kExited, code);
}

void Supervisor::child_ended() {
  while (take_message()) continue;
  done_ = true;
  if (status_.state != ProcessState::kStarting) return;
  if (status_.started != Timestamp() || stopping_) return end(ProcessState::kSignaled, SIGKILL);
  std::string log = read_file(folder_.log()).value_or("");
  std::string_view last = trim(log);
  last = last.substr(last.rfind('\n') + 1);
  fail(kSandboxFailed, cat({"the sandbox could not be made: ", last}));
}

void Supervisor::end_all() {
  if (child_) {
    child_->signal(SIGKILL);
    child_->wait(kEndWait);
  }
  // We are the subreaper: of what had no pid namespace to end with, and of a bubblewrap whose
  // parent was killed before it had asked to die with it.
  end_descendants(::getpid());
}

Result<void> Supervisor::finish() {
  end(ProcessState::kSignaled, SIGTERM);  // cancelled before anything started
  ::unlink(folder_.secret().c_str());
  if (file_exists(folder_.log())) TRY(proc::fsync_path(folder_.log()));
  return folder_.write_end(status_);
}

Fd watch_signals() {
  sigset_t watched;
  ::sigemptyset(&watched);
  ::sigaddset(&watched, SIGTERM);
  ::sigprocmask(SIG_SETMASK, &watched, nullptr);
  return Fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
}

Result<void> supervise_folder(const ProcessFolder& folder) {
  Fd signals = watch_signals();
  if (file_exists(folder.begun())) return conflict("this process was already begun");
  Supervisor supervisor(folder, TRY(folder.read_launch()), std::move(signals));
  return supervisor.run();
}

}  // namespace

int supervise(const std::string& folder) {
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(077);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  set_oom_score("self", kSupervisorOomScore);
  Result<void> done = supervise_folder(ProcessFolder(folder));
  if (done.ok()) return 0;
  log::error("supervisor", done.error().message, {{"folder", folder}});
  return 1;
}

}  // namespace lazuli::compute
