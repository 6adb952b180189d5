// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lazuli::cli {

// The command line: parses, runs one command, returns the exit status (0 done, 1 failed, 2 wrong
// usage, 3 no server answers).
int run(int argc, char** argv);

}  // namespace lazuli::cli
