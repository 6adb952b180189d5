// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/secret.h"

namespace lazuli::crypto {

// From OpenSSL's generator, seeded by the kernel; the process stops if it fails. Thread-safe.
std::string random_bytes(size_t size);
SecretBytes random_secret(size_t size);

// `size` characters of [A-Za-z0-9], each uniformly drawn (5.95 bits): passwords and client secrets.
SecretString random_password(size_t size);

}  // namespace lazuli::crypto
