// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace lazuli::compute {

// Short messages with open files between a supervisor and its sandbox's init, over a socket pair
// that keeps message borders. The init says "listening" (with the relay's sockets), "started",
// "failed" (what), "exited" or "signaled" (number); the supervisor says "terminate".
struct ControlMessage {
  std::string word;
  std::string text;
  std::vector<Fd> fds;
};

struct ControlPair {
  Fd supervisor;
  Fd init;
};

Result<ControlPair> make_control();
Result<void> send_control(int fd, std::string_view word, std::string_view text = {},
                          const std::vector<int>& fds = {});
// Blocks unless the socket does not. Nothing once the other end is gone, or when nothing is there.
std::optional<ControlMessage> receive_control(int fd);

// The numbers under which the init finds what it was given.
constexpr int kControlFd = 3;
constexpr int kConfigFd = 4;
constexpr int kSecretFd = 5;

}  // namespace lazuli::compute
