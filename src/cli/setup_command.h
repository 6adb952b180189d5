// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/serve.h"

namespace lazuli::cli {

struct SetupRequest {
  std::string data_dir;
  std::string code;  // empty: the one that waits in the data directory
  std::string user, name;
};

// `lazuli setup`: the one-time code makes the first person, Owner of everything.
int setup(const SetupRequest& request);
// `lazuli setup-code`: with the server stopped, a new code.
int setup_code(const server::ServeOptions& options);
// What `lazuli up` says while a code waits; empty where none does.
std::string setup_hint(const std::string& data_dir);

}  // namespace lazuli::cli
