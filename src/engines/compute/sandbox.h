// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engines/compute/confine.h"
#include "engines/compute/launch.h"
#include "proc/spawn.h"

namespace lazuli::compute {

// Where the supervisor's program stands inside the sandbox.
constexpr const char* kSandboxProgram = "/run/lazuli/sandbox";

// Finds out by trying, which takes some milliseconds.
Isolation detect_isolation(bool without_namespaces);

// The command line that starts the init in its sandbox, with the files it reads from our hands.
struct SandboxCommand {
  std::vector<std::string> argv;
  std::vector<proc::InheritedFd> fds;
  std::vector<Fd> files;  // keeps `fds` open
};
// Makes the process's private /tmp as well.
Result<SandboxCommand> sandbox_command(const Launch& launch, const ProcessFolder& folder);

// The beginning of a command line that runs a package's build: the network, a fresh /tmp,
// `writable` and `readable` are there, nothing else of ours. Needs namespaces.
std::vector<std::string> build_sandbox_command(const Isolation& isolation,
                                               const std::string& writable,
                                               const std::vector<std::string>& readable);

// What the process may open where there is no mount namespace to hide the rest.
FileAccess file_access(const Launch& launch, const ProcessFolder& folder);

// The process's environment without its secrets: the spec's, completed by the defaults.
std::map<std::string, std::string> job_environment(const Launch& launch,
                                                   const ProcessFolder& folder);

}  // namespace lazuli::compute
