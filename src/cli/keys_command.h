// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lazuli::cli {

// What `lazuli keys VERB` or `lazuli token revoke` was asked.
struct KeysRequest {
  std::string data_dir;
  std::string verb;   // "list", "rotate", "drop", "revoke"
  std::string id;     // of a key
  std::string token;  // a token, or its id
  bool at_once = false, json = false;
};

// Works with the keys that sign tokens, and ends single tokens. The exit status.
int keys_command(const KeysRequest& request);

}  // namespace lazuli::cli
