// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

// The FORMAT of a store, "lazuli-bytes VERSION CHECK\n", and what it says of the root key.
namespace lazuli::bytes {

inline constexpr int64_t kFormatVersion = 2;

std::shared_ptr<const SecretBytes> derive_store_key(const SecretBytes& root_key);
std::string derive_key_check(const SecretBytes& root_key);

std::string make_format_text(const std::string& key_check);
// The version, if this release knows it and the key is the right one; `place` is for the message.
Result<int64_t> check_format_text(std::string_view text, const std::string& key_check,
                                  std::string_view place);

}  // namespace lazuli::bytes
