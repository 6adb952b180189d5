// SPDX-License-Identifier: Apache-2.0
// The job supervisor alone, for the tests of this folder: the commands of `lazuli` that jobs need.
#include <cstdio>

#include "engines/compute/compute.h"

int main(int argc, char** argv) {
  std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "supervise" && argc == 3) return lazuli::compute::supervise(argv[2]);
  if (command == "sandbox-init") return lazuli::compute::sandbox_init();
  std::fputs("usage: lazuli_supervisor supervise FOLDER\n", stderr);
  return 2;
}
