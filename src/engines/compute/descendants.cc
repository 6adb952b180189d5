// SPDX-License-Identifier: Apache-2.0
#include "engines/compute/descendants.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "base/files.h"
#include "base/strings.h"
#include "proc/files.h"
#include "proc/spawn.h"

namespace lazuli::compute {
namespace {

constexpr int kRoundsMax = 2000;

// proc(5): each thread's children stand in a file of its own, separated by spaces.
std::vector<pid_t> children(pid_t pid) {
  std::vector<pid_t> pids;
  std::error_code error;
  std::filesystem::directory_iterator threads(cat({"/proc/", std::to_string(pid), "/task"}), error);
  for (; !error && threads != std::filesystem::directory_iterator(); threads.increment(error)) {
    std::string text = read_file(threads->path() / "children").value_or("");
    for (std::string_view word : split(text, ' '))
      if (auto child = parse_int(trim(word))) pids.push_back(static_cast<pid_t>(*child));
  }
  return pids;
}

// Whether a word of a process's command line is the path or lies below it. A zombie has none.
bool names_path(pid_t pid, std::string_view path) {
  const std::string line = read_file(cat({"/proc/", std::to_string(pid), "/cmdline"})).value_or("");
  for (std::string_view word : split(line, '\0')) {
    if (!word.starts_with(path)) continue;
    if (word.size() == path.size() || word[path.size()] == '/') return true;
  }
  return false;
}

// The pidfd comes first, so that what is signalled is what was looked at. How many there were.
size_t kill_processes_naming(std::string_view path) {
  size_t count = 0;
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc", error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    auto pid = parse_int(entries->path().filename().string());
    if (!pid || *pid == ::getpid() || !names_path(static_cast<pid_t>(*pid), path)) continue;
    Fd pidfd = proc::open_pidfd(static_cast<pid_t>(*pid));
    if (!pidfd.valid() || !names_path(static_cast<pid_t>(*pid), path)) continue;
    proc::signal_pidfd(pidfd.get(), SIGKILL);
    ++count;
  }
  return count;
}

void pause_shortly() {
  timespec pause{0, 1'000'000};
  ::nanosleep(&pause, nullptr);
}

}  // namespace

void end_processes_naming(const std::string& path) {
  for (int round = 0; round < kRoundsMax && kill_processes_naming(path) > 0; ++round)
    pause_shortly();
}

void signal_descendants(pid_t ancestor, int signal) {
  for (pid_t child : children(ancestor)) {
    signal_descendants(child, signal);
    ::kill(child, signal);
  }
}

void end_descendants(pid_t ancestor) {
  for (int round = 0; round < kRoundsMax; ++round) {
    signal_descendants(ancestor, SIGKILL);
    pid_t pid;
    do pid = ::waitpid(-1, nullptr, WNOHANG);
    while (pid > 0);
    if (pid < 0 && errno == ECHILD) return;
    pause_shortly();
  }
}

}  // namespace lazuli::compute
