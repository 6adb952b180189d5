// SPDX-License-Identifier: Apache-2.0
#include "bytes/root_format.h"

#include "base/strings.h"
#include "codec/text.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"

namespace lazuli::bytes {
namespace {

constexpr std::string_view kFormatName = "lazuli-bytes";
constexpr int64_t kOldestFormatVersion = 1;

}  // namespace

std::shared_ptr<const SecretBytes> derive_store_key(const SecretBytes& root_key) {
  return std::make_shared<const SecretBytes>(
      crypto::hkdf_sha256(root_key, "", "lazuli bytes wrap 1", crypto::kAeadKeySize));
}

std::string derive_key_check(const SecretBytes& root_key) {
  return to_hex(crypto::hkdf_sha256(root_key, "", "lazuli bytes check 1", 16).expose());
}

std::string make_format_text(const std::string& key_check) {
  return cat({kFormatName, " ", std::to_string(kFormatVersion), " ", key_check, "\n"});
}

Result<int64_t> check_format_text(std::string_view text, const std::string& key_check,
                                  std::string_view place) {
  const std::vector<std::string_view> words = split(trim(text), ' ');
  if (words.size() != 3 || words[0] != kFormatName)
    return internal_error(cat({place, "/FORMAT is damaged: restore it from a backup"}));
  const auto version = parse_int(words[1]);
  if (!version || *version < kOldestFormatVersion || *version > kFormatVersion)
    return internal_error(cat({place, " has format version ", words[1],
                               ", which this release does not know: use the newer release"}));
  if (words[2] != key_check)
    return internal_error(cat({place, " was written under another root key: restore that key"}));
  return *version;
}

}  // namespace lazuli::bytes
