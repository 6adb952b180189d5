// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace lazuli::templates {

// guid(): a version 5 UUID of the text in the template language's own name space.
std::string name_guid(std::string_view text);

// uniqueString(): 13 characters of a-z and 2-7, from a 64-bit variant of MurmurHash3.
std::string unique_string(std::string_view text);

}  // namespace lazuli::templates
