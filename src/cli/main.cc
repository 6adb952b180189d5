// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <string_view>

#include "cli/app.h"
#include "engines/compute/compute.h"

// The one binary: server, command line, job supervisor.
int main(int argc, char** argv) {
  // First of all, before any thread and any library that would look: no telemetry.
  ::setenv("ORT_DISABLE_TELEMETRY", "1", 1);
  std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "supervise" && argc == 3) return lazuli::compute::supervise(argv[2]);
  if (command == "sandbox-init") return lazuli::compute::sandbox_init();
  return lazuli::cli::run(argc, argv);
}
