// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace lazuli::storage {

// 64 random bytes in base64, like Azure's.
SecretString new_account_key();

// base64(HMAC-SHA256(key, text)); `account_key` is in base64.
Result<std::string> sign(const SecretString& account_key, std::string_view text);

// MD5 of a whole range, raw: the protocol's transport hash.
std::string md5_of(std::string_view data);

}  // namespace lazuli::storage
