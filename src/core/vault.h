// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace lazuli::core {

// Seals secrets for columns and files under the installation's root key (AES-256-GCM, random
// nonce). `context` names the place ("identity.client_secret/{id}") and is authenticated: a sealed
// value moved elsewhere does not open. Thread-safe.
class Vault {
 public:
  virtual ~Vault() = default;
  virtual std::string seal(std::string_view context, std::string_view secret) = 0;  // raw bytes
  virtual Result<SecretString> open(std::string_view context, std::string_view sealed) = 0;
  // A key of its own for a purpose, derived from the root key (HKDF).
  virtual SecretBytes derive(std::string_view purpose) = 0;  // 32 bytes
};

// The vault of an installation; `root_key` has 32 bytes (core/root_key.h).
std::unique_ptr<Vault> make_vault(const SecretBytes& root_key);

}  // namespace lazuli::core
