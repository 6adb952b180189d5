// SPDX-License-Identifier: Apache-2.0
#include "core/vault.h"

#include "base/strings.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"

namespace lazuli::core {
namespace {

constexpr char kVersion = 1;
constexpr size_t kKeySize = 32;

class RootKeyVault : public Vault {
 public:
  explicit RootKeyVault(const SecretBytes& root_key)
      : root_key_(root_key.clone()),
        seal_key_(crypto::hkdf_sha256(root_key, "", "lazuli vault seal 1", kKeySize)) {}

  std::string seal(std::string_view context, std::string_view secret) override {
    auto plain = std::as_bytes(std::span(secret.data(), secret.size()));
    return std::string(1, kVersion) + crypto::seal_secret(seal_key_, context, plain);
  }

  Result<SecretString> open(std::string_view context, std::string_view sealed) override {
    if (!sealed.starts_with(kVersion))
      return internal_error(cat({"the sealed value of ", context, " has an unknown form"}),
                            "DataCorruption");
    auto plain = crypto::open_secret(seal_key_, context, sealed.substr(1));
    if (!plain.ok()) return with_context(context, std::move(plain).error());
    auto bytes = plain->expose();
    return SecretString({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  SecretBytes derive(std::string_view purpose) override {
    return crypto::hkdf_sha256(root_key_, "", cat({"lazuli vault derive 1/", purpose}), kKeySize);
  }

 private:
  SecretBytes root_key_;
  SecretBytes seal_key_;
};

}  // namespace

std::unique_ptr<Vault> make_vault(const SecretBytes& root_key) {
  CHECK(root_key.size() == kKeySize);
  return std::make_unique<RootKeyVault>(root_key);
}

}  // namespace lazuli::core
