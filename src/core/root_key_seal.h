// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace lazuli::core {

enum class RootKeyKeeper { kFile, kPassphrase, kToken, kTpm };
std::string_view to_string(RootKeyKeeper keeper);  // "file", "passphrase", "pkcs11", "tpm2"
std::optional<RootKeyKeeper> parse_root_key_keeper(std::string_view name);

// What keeps the root key. Paths are absolute. Files that hold a secret may be read by their owner
// alone; a newline at the end is no part of it.
struct RootKeySeal {
  RootKeyKeeper keeper = RootKeyKeeper::kFile;
  std::string passphrase_file;  // kPassphrase
  std::string module;           // kToken: the PKCS#11 library,
  std::string token, key;       // the labels of the token and of the key in it,
  std::string pin_file;         // and its user's PIN
  std::string tcti;             // kTpm: the way to the chip (crypto/tpm.h); empty: the default
};

// "root.sealed", beside where "root.key" would be: JSON, with the keeper's settings (no secrets)
// and the root key as the keeper sealed it. Where there is one, it alone counts.
std::string sealed_root_key_file(const std::string& data_dir);
Result<SecretBytes> open_sealed_root_key(const std::string& data_dir);
Result<RootKeySeal> root_key_seal(const std::string& data_dir);

// Seals the root key of `root` anew and proves that it opens before anything else is given up; a
// crash leaves the old seal or the new one. No server may run on the folder meanwhile.
Result<void> write_root_key_seal(const std::string& data_dir, const SecretBytes& root,
                                 const RootKeySeal& seal);

}  // namespace lazuli::core
