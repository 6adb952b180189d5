// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace lazuli::core {

// The installation's root key, 32 random bytes in `data_dir`/root.key. Made durably (mode 0600) on
// the first call; a process that comes second gets the first one's. Refused with advice: a file of
// another size or type, of another owner, or that others may read or write.
Result<SecretBytes> load_or_create_root_key(const std::string& data_dir);

}  // namespace lazuli::core
