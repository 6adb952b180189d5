// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/secret.h"

namespace lazuli::cli {

// Typed without an echo, or the first line of what is piped in.
SecretString read_secret(const char* prompt);

}  // namespace lazuli::cli
