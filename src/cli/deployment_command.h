// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace lazuli::cli {

// What `lazuli deployment group VERB` was asked.
struct DeploymentRequest {
  std::string data_dir;
  std::string verb;  // "create", "validate", "what-if", "list", "show"
  std::string group, name, template_file;
  // name=value, or @FILE with an ARM parameters file; later ones win.
  std::vector<std::string> parameters;
  std::string mode = "Incremental";
  bool json = false;
};

// Runs it and prints a table or JSON. The exit status.
int deployment_command(const DeploymentRequest& request);

}  // namespace lazuli::cli
