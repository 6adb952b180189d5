// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "core/root_key_seal.h"

namespace lazuli::core {

// The installation's root key: 32 random bytes in `data_dir`/root.key, or what another keeper has
// sealed (root_key_seal.h). Without either a key file is made durably (mode 0600); a process that
// comes second gets the first one's. Refused with advice: a file of another size or type, of
// another owner, or that others may read or write; and two root keys that differ.
Result<SecretBytes> load_or_create_root_key(const std::string& data_dir);
bool has_root_key(const std::string& data_dir);

// Gives the root key, which stays the same, to another keeper; without one a new key is made that
// has never been on the disk in the clear. Only by who holds the data folder's lock.
Result<void> seal_root_key(const std::string& data_dir, const RootKeySeal& seal);

}  // namespace lazuli::core
