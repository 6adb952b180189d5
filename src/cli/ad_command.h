// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lazuli::cli {

// What `lazuli ad NOUN VERB` was asked.
struct AdRequest {
  std::string data_dir;
  std::string noun;  // "user", "group", "app", "sp"
  std::string verb;  // "list", "show", "create", "delete", "members", "add-member", "reset-secret"
  std::string id, display_name, upn, password, member;
  bool json = false;
};

// Works with the directory through Microsoft Graph's own API. The exit status.
int ad_command(const AdRequest& request);

}  // namespace lazuli::cli
