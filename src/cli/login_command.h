// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lazuli::cli {

struct LoginOptions {
  std::string data_dir, tenant;
  bool device_code = false, service_principal = false, no_browser = false;
  std::string username, password, certificate;  // of a service principal
  bool json = false;
};

// Signs in: with a browser, a device code, or as a service principal. The exit status.
int login(const LoginOptions& options);
// Forgets who signed in.
int logout(const std::string& data_dir);
// Prints who the command line acts as.
int whoami(const std::string& data_dir, bool json);

}  // namespace lazuli::cli
