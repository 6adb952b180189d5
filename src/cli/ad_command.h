// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lazuli::cli {

// What `lazuli ad NOUN VERB` was asked.
struct AdRequest {
  std::string data_dir;
  std::string noun;  // "user", "group", "app", "sp", "provider"
  // "list", "show", "create", "delete", "members", "add-member", "reset-secret", "link", "unlink"
  std::string verb;
  std::string id, display_name, upn, password, member;
  std::string issuer, subject;  // of an account with an external provider
  std::string client_id, client_secret;
  bool match_email = false;
  bool json = false;
};

// Works with the directory through Microsoft Graph's own API. The exit status.
int ad_command(const AdRequest& request);

}  // namespace lazuli::cli
