// SPDX-License-Identifier: Apache-2.0
#include "crypto/password.h"

#include <sodium.h>

#include <chrono>

#include "base/check.h"

namespace lazuli::crypto {
namespace {

constexpr std::chrono::seconds kWaitMax{10};

Error busy() {
  return unavailable("too many sign-ins at once; try again in a moment", "ServerBusy");
}

}  // namespace

// A place among those who may hash, if there is one in time.
class PasswordHasher::Turn {
 public:
  explicit Turn(PasswordHasher& hasher)
      : hasher_(hasher), held_(hasher.free_.try_acquire_for(kWaitMax)) {}
  ~Turn() {
    if (held_) hasher_.free_.release();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool held() const { return held_; }

 private:
  PasswordHasher& hasher_;
  const bool held_;
};

PasswordHasher::PasswordHasher() { CHECK(sodium_init() >= 0); }

Result<std::string> PasswordHasher::hash(const SecretString& password) {
  Turn turn(*this);
  if (!turn.held()) return busy();
  char hash[crypto_pwhash_STRBYTES];
  std::string_view text = password.expose();
  int failed = crypto_pwhash_argon2id_str(hash, text.data(), text.size(),
                                          crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
                                          crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE);
  if (failed != 0) return unavailable("not enough memory to hash a password", "ServerBusy");
  return std::string(hash);
}

Result<bool> PasswordHasher::matches(std::string_view hash, const SecretString& password) {
  Turn turn(*this);
  if (!turn.held()) return busy();
  char kept[crypto_pwhash_STRBYTES] = {};
  if (hash.size() >= sizeof kept) return false;
  hash.copy(kept, hash.size());
  std::string_view text = password.expose();
  return crypto_pwhash_argon2id_str_verify(kept, text.data(), text.size()) == 0;
}

}  // namespace lazuli::crypto
