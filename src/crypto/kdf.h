// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "base/secret.h"

namespace lazuli::crypto {

// RFC 5869 with SHA-256. `key` must hold full entropy (never a password); `size` is at most 8160.
SecretBytes hkdf_sha256(const SecretBytes& key, std::string_view salt, std::string_view info,
                        size_t size);

}  // namespace lazuli::crypto
