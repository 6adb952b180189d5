// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <string_view>

#include "engines/compute/compute.h"
#include "server/installation.h"
#include "server/serve.h"

// The one binary: server, command line, job supervisor.
int main(int argc, char** argv) {
  // First of all, before any thread and any library that would look: no telemetry.
  ::setenv("ORT_DISABLE_TELEMETRY", "1", 1);
  std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "supervise" && argc == 3) return lazuli::compute::supervise(argv[2]);
  if (command == "sandbox-init") return lazuli::compute::sandbox_init();
  lazuli::server::ServeOptions options;
  options.data_dir = lazuli::server::default_data_dir(argc > 2 ? argv[2] : "");
  if (argc > 3) options.port = static_cast<uint16_t>(std::atoi(argv[3]));
  return lazuli::server::serve(options);
}
