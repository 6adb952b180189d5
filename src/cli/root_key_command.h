// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lazuli::cli {

struct RootKeyRequest {
  std::string data_dir;
  std::string keeper;  // "file", "passphrase", "pkcs11" or "tpm2"
  std::string passphrase_file, module, token, key = "lazuli", pin_file, tcti;
  bool json = false;
};

// With the server stopped: gives the root key to another keeper. The exit status.
int root_key_seal(const RootKeyRequest& request);
// Says who keeps it.
int root_key_show(const RootKeyRequest& request);

}  // namespace lazuli::cli
