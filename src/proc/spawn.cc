// SPDX-License-Identifier: Apache-2.0
#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>

#include "base/strings.h"

extern char** environ;

namespace lazuli::proc {
namespace {

constexpr int kScratchFd = 200;  // above every number a child asks for

std::vector<char*> pointers(const std::vector<std::string>& lines) {
  std::vector<char*> out;
  for (const std::string& line : lines) out.push_back(const_cast<char*>(line.c_str()));
  out.push_back(nullptr);
  return out;
}

class Actions {
 public:
  Actions() { ::posix_spawn_file_actions_init(&actions_); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  // Copies every source out of the way first, so that no target overwrites a later source.
  Result<void> set_fds(const std::vector<InheritedFd>& fds) {
    int highest = 2;
    bool has_input = false;
    for (const InheritedFd& fd : fds) {
      Fd copy(::fcntl(fd.ours, F_DUPFD_CLOEXEC, kScratchFd));
      if (!copy.valid()) return errno_error("copy a file descriptor", errno);
      ::posix_spawn_file_actions_adddup2(&actions_, copy.get(), fd.theirs);
      copies_.push_back(std::move(copy));
      highest = std::max(highest, fd.theirs);
      has_input = has_input || fd.theirs == 0;
    }
    if (!has_input) ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    for (int number = 3; number <= highest; ++number) {
      bool given = std::any_of(fds.begin(), fds.end(),
                               [&](const InheritedFd& fd) { return fd.theirs == number; });
      if (!given) ::posix_spawn_file_actions_addclose(&actions_, number);
    }
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, highest + 1);
    return success();
  }

  void set_directory(const std::string& path) {
    if (!path.empty()) ::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str());
  }

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
  std::vector<Fd> copies_;
};

class Attributes {
 public:
  explicit Attributes(const SpawnOptions& options) {
    ::posix_spawnattr_init(&attributes_);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (options.session == Session::kOwn) flags |= POSIX_SPAWN_SETSID;
    if (options.session == Session::kOwnGroup) flags |= POSIX_SPAWN_SETPGROUP;
    sigset_t mask;
    sigset_t all;
    ::sigemptyset(&mask);
    for (int number : options.blocked_signals) ::sigaddset(&mask, number);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &mask);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

int poll_timeout_ms(Duration timeout) {
  return static_cast<int>(std::clamp<int64_t>((timeout.count() + 999) / 1000, 0, 24 * 3600 * 1000));
}

}  // namespace

Result<Child> spawn(const SpawnOptions& options) {
  if (options.argv.empty()) return invalid_argument("no program to run");
  Actions actions;
  TRY(actions.set_fds(options.fds));
  actions.set_directory(options.working_directory);
  Attributes attributes(options);
  std::vector<char*> argv = pointers(options.argv);
  std::vector<char*> environment;
  if (options.environment) environment = pointers(*options.environment);
  pid_t pid = 0;
  int error = ::posix_spawnp(&pid, argv[0], actions.get(), attributes.get(), argv.data(),
                             options.environment ? environment.data() : environ);
  if (error != 0) return errno_error(cat({"run ", options.argv[0]}), error);
  Fd pidfd = open_pidfd(pid);  // cannot miss: nobody else reaps our child
  if (!pidfd.valid()) return errno_error("pidfd_open", errno);
  return Child(pid, std::move(pidfd));
}

std::optional<Exit> Child::wait(Duration timeout) {
  if (!wait_pidfd(pidfd_.get(), timeout)) return {};
  return reap_pidfd(pidfd_.get());
}

void Child::signal(int number) const { signal_pidfd(pidfd_.get(), number); }

void Child::signal_group(int number) const { ::kill(-pid_, number); }

std::optional<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos)
    return ::access(name.c_str(), X_OK) == 0 ? std::optional(name) : std::nullopt;
  const char* path = ::getenv("PATH");
  std::string folders = cat({path ? path : "", ":/usr/local/bin:/usr/bin:/bin:/usr/sbin"});
  for (std::string_view folder : split(folders, ':')) {
    if (folder.empty()) continue;
    std::string candidate = cat({folder, "/", name});
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool wait_pidfd(int pidfd, Duration timeout) {
  SteadyClock::time_point deadline = SteadyClock::now() + timeout;
  for (;;) {
    pollfd entry{pidfd, POLLIN, 0};
    Duration left = std::chrono::duration_cast<Duration>(deadline - SteadyClock::now());
    int count = ::poll(&entry, 1, poll_timeout_ms(left));
    if (count > 0) return true;
    if (count == 0 && SteadyClock::now() >= deadline) return false;
  }
}

void signal_pidfd(int pidfd, int number) {
  ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0);
}

std::optional<Exit> reap_pidfd(int pidfd) {
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0) return {};
  if (info.si_pid == 0) return {};
  return Exit{info.si_code != CLD_EXITED, info.si_status};
}

}  // namespace lazuli::proc
