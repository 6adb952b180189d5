// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

namespace lazuli::compute {

// For a child subreaper without a pid namespace: all its descendants come back to it when their
// parents end, so none can escape it.
void signal_descendants(pid_t ancestor, int signal);

// SIGKILL, reaped, again until none is left. `ancestor` is the caller.
void end_descendants(pid_t ancestor);

// Ends every process whose command line names a path or something below it, but the caller.
void end_processes_naming(const std::string& path);

}  // namespace lazuli::compute
