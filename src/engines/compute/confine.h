// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace lazuli::compute {

// Each of these binds the calling thread and all it starts from then on, for good. Called in a
// process with one thread, between fork and exec.

// No capability, now or by a later exec; no way to gain privileges.
Result<void> drop_privileges();

// No core dumps; an upper bound of its memory unless 0.
void limit_resources(uint64_t memory_bytes_max);

enum class Datagrams { kAllowed, kRefused };

// Refuses the system calls that administer the machine, make namespaces or reach odd parts of the
// kernel, and sockets of other families than Unix and IP. Refusing datagrams closes name look-ups
// to a process that shares the machine's network.
Result<void> restrict_system_calls(Datagrams datagrams);

// 0: this kernel has no Landlock.
int landlock_version();

struct FileAccess {
  std::vector<std::string> readable;  // files or folders; absent ones are skipped
  std::vector<std::string> writable;
  uint16_t connect_port = 0;  // the only TCP port to connect to, from Landlock version 4 on
};

// Landlock: files outside these cannot be opened, processes outside cannot be signalled or looked
// into.
Result<void> restrict_files(const FileAccess& access);

}  // namespace lazuli::compute
