// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lazuli::cli {

// What of the shell is looked at; tests put their own.
struct Surroundings {
  std::function<std::string(const char* name)> variable;                       // "" when not set
  std::function<std::optional<std::string>(const std::string& path)> content;  // of a file
};

// Hosts from which pip, uv and npm are configured to install, by variables or files. Without ports,
// each once.
std::vector<std::string> package_index_hosts(const Surroundings& around);

// The host names of all http and https addresses in a text, in order.
std::vector<std::string> hosts_of_addresses(std::string_view text);

}  // namespace lazuli::cli
