// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace lazuli::proc {

// How a process ended.
struct Exit {
  bool signaled = false;
  int code = 0;  // the exit code, or the signal's number
  bool success() const { return !signaled && code == 0; }
};

struct InheritedFd {
  int ours = -1;
  int theirs = -1;
};

enum class Session { kSame, kOwnGroup, kOwn };

struct SpawnOptions {
  std::vector<std::string> argv;  // argv[0] with a slash is a path, else looked up on our PATH
  std::optional<std::vector<std::string>> environment;  // NAME=value lines; nothing: our own
  std::string working_directory;                        // empty: ours
  // What the child has open. 0 is /dev/null unless given, 1 and 2 are ours unless given.
  std::vector<InheritedFd> fds;
  Session session = Session::kSame;
  std::vector<int> blocked_signals;  // its signal mask; every signal's action is the default
};

// A child of this process, known by a pidfd, so that it can never be mistaken for another process.
// Destroying it neither ends nor reaps it. Not thread-safe.
class Child {
 public:
  Child(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  Fd release_pidfd() { return std::move(pidfd_); }
  // Its end, once; nothing when it has not come in time.
  std::optional<Exit> wait(Duration timeout);
  void signal(int number) const;
  void signal_group(int number) const;  // its process group, when it has one of its own

 private:
  pid_t pid_;
  Fd pidfd_;
};

// Starts a program; an error says why it could not be executed. Thread-safe.
Result<Child> spawn(const SpawnOptions& options);

// The full path of a program on PATH (or the standard folders), or nothing.
std::optional<std::string> find_program(const std::string& name);

// Of any process, ours or not: an invalid Fd when there is none of that number.
Fd open_pidfd(pid_t pid);
// Whether the process of a pidfd has ended, waiting up to `timeout` for it.
bool wait_pidfd(int pidfd, Duration timeout);
void signal_pidfd(int pidfd, int number);
// Reaps a child if it has ended; nothing if it still runs or is not a child of ours.
std::optional<Exit> reap_pidfd(int pidfd);

}  // namespace lazuli::proc
