// SPDX-License-Identifier: Apache-2.0
#include "engines/compute/descendants.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "base/files.h"
#include "base/strings.h"
#include "proc/files.h"

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

}  // namespace

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
    timespec pause{0, 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

}  // namespace lazuli::compute
