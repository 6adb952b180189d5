// SPDX-License-Identifier: Apache-2.0
#include "services/storage/signature.h"

#include "codec/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace lazuli::storage {
namespace {
constexpr size_t kAccountKeyBytes = 64;
}  // namespace

SecretString new_account_key() {
  SecretBytes raw = crypto::random_secret(kAccountKeyBytes);
  auto bytes = raw.expose();
  std::string text =
      to_base64(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  SecretString key(text);
  wipe(text.data(), text.size());
  return key;
}

Result<std::string> sign(const SecretString& account_key, std::string_view text) {
  std::string raw = TRY(from_base64(account_key.expose()));
  std::string signature = crypto::hmac_sha256(std::as_bytes(std::span(raw)), text);
  wipe(raw.data(), raw.size());
  return to_base64(signature);
}

std::string md5_of(std::string_view data) { return crypto::md5(data); }

}  // namespace lazuli::storage
