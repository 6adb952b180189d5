// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <semaphore>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace lazuli::crypto {

// Argon2id (RFC 9106) through libsodium: 64 MiB, 2 passes, a random salt, in the text form
// "$argon2id$v=19$m=…". One takes some 60 ms and its memory for that long, so four run at once at
// most: the others wait, and are refused (kUnavailable) after 10 s. Thread-safe.
class PasswordHasher {
 public:
  PasswordHasher();
  Result<std::string> hash(const SecretString& password);
  // False also for a hash that is none.
  Result<bool> matches(std::string_view hash, const SecretString& password);

 private:
  static constexpr int kAtOnceMax = 4;
  class Turn;
  std::counting_semaphore<kAtOnceMax> free_{kAtOnceMax};
};

}  // namespace lazuli::crypto
