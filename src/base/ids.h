// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace lazuli {

// A random (version 4) UUID in lower case, from the kernel's random source.
std::string new_uuid();

// `size` random characters of [a-z0-9], first a letter: short unguessable names.
std::string random_name(size_t size);

bool is_uuid(std::string_view text);

}  // namespace lazuli
