// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lazuli::cli {

// What `lazuli NOUN VERB` was asked.
struct ResourceRequest {
  std::string data_dir;
  std::string noun;  // "job", "model", "data", "environment", "endpoint", "deployment"
  std::string verb;  // "create", "list", "show", "stream"
  std::string file, name, version, endpoint;
  bool json = false;
  bool stream = false;  // after creating a job
};

// Runs it and prints a table or JSON. The exit status.
int resource_command(const ResourceRequest& request);

}  // namespace lazuli::cli
