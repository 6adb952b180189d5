// SPDX-License-Identifier: Apache-2.0
#include "services/directory/setup.h"

#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "services/directory/credential_store.h"

namespace lazuli::directory {
namespace {

constexpr Duration kLifetime = std::chrono::minutes(60);
constexpr size_t kSize = 16;  // of 32 letters each: 80 bits

// Letters and digits that are not mistaken for each other, in groups of four.
SecretString new_code() {
  constexpr std::string_view kAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
  static_assert(kAlphabet.size() == 32);
  std::string random = crypto::random_bytes(kSize), text;
  for (size_t i = 0; i < kSize; ++i) {
    if (i > 0 && i % 4 == 0) text += '-';
    text += kAlphabet[static_cast<unsigned char>(random[i]) % 32];
  }
  SecretString code(text);
  wipe(text.data(), text.size());
  wipe(random.data(), random.size());
  return code;
}

}  // namespace

Result<bool> Setup::is_first_start() {
  return handle_.read([](db::Reader& reader) -> Result<bool> {
    return !TRY(CredentialStore::setup_code(reader)).has_value();
  });
}

Result<SecretString> Setup::make_code() {
  SecretString code = new_code();
  SetupCode kept{hash(code.expose()), now() + kLifetime};
  TRY(handle_.write([&](db::Tx& tx) { return CredentialStore::put_setup_code(tx, kept); }));
  return code;
}

Result<void> Setup::check(const SecretString& code) {
  return handle_.read([&](db::Reader& reader) -> Result<void> {
    TRY(find(reader, code));
    return {};
  });
}

Result<void> Setup::redeem(db::Tx& tx, const SecretString& code) {
  const SetupCode kept = TRY(find(tx, code));
  return CredentialStore::put_setup_code(tx, {"", kept.expires});
}

Result<SetupCode> Setup::find(db::Executor& db, const SecretString& code) const {
  auto kept = TRY(CredentialStore::setup_code(db));
  bool right = kept && !kept->hash.empty() && equal_constant_time(kept->hash, hash(code.expose()));
  if (!right || kept->expires <= now())
    return permission_denied(
        "The setup code is wrong, used or over. With the server stopped, `lazuli setup-code` makes "
        "a new one.",
        "InvalidSetupCode");
  return std::move(*kept);
}

// Typed codes may lack hyphens and be in lower case.
std::string Setup::hash(std::string_view code) const {
  std::string plain = to_lower(replace_all(trim(code), "-", ""));
  std::string digest = to_hex(crypto::hmac_sha256(key_.expose(), plain));
  wipe(plain.data(), plain.size());
  return digest;
}

}  // namespace lazuli::directory
