// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/error.h"
#include "server/serve.h"

namespace lazuli::cli {

// Exit statuses of all commands.
inline constexpr int kSuccess = 0, kFailure = 1, kUsage = 2, kNoServer = 3;

// Prints "lazuli: message" to standard error; kNoServer for kUnavailable, else kFailure.
int fail(const Error& error);

// Starts the server in the background and waits until it is ready.
int up(const server::ServeOptions& options);
// Asks it to stop and waits for the end.
int down(const std::string& data_dir);
// Prints its state; kSuccess only when it is ready.
int status(const std::string& data_dir, bool json);

}  // namespace lazuli::cli
