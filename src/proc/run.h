// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>

#include "proc/spawn.h"

namespace lazuli::proc {

struct RunOptions {
  SpawnOptions spawn;  // its fds 1 and 2 are replaced; it gets a process group of its own
  Duration timeout = std::chrono::minutes(1);
  Duration grace = std::chrono::seconds(2);       // between SIGTERM and SIGKILL
  size_t output_bytes_max = 1u << 20;             // the first and the last halves are kept
  std::function<bool()> cancelled;                // polled; may be empty
  std::function<void(std::string_view)> on_line;  // each line of output, without its end; or empty
};

struct RunOutput {
  Exit exit;
  std::string output;  // stdout and stderr in order
};

// Runs a program to its end. kDeadlineExceeded when it was stopped for time, kConflict with wire
// code "Cancelled" when `cancelled` said so; both end its whole process group.
Result<RunOutput> run(RunOptions options);

}  // namespace lazuli::proc
