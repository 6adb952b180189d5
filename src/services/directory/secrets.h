// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "core/vault.h"
#include "services/directory/model.h"

namespace lazuli::directory {

struct SecretOptions {
  std::string name;
  Timestamp start{}, end{};
};

struct MadeSecret {
  Secret kept;
  SecretString text;  // shown once
};

// Client secrets are random and long, so a keyed hash keeps them. Thread-safe.
class Secrets {
 public:
  explicit Secrets(core::Vault& vault);
  MadeSecret make(const Object& holder, const SecretOptions& options) const;
  // Looks at every hash, whichever matches.
  bool matches(const std::vector<std::string>& hashes, const std::string& app_id,
               const SecretString& secret) const;

 private:
  std::string hash(const std::string& app_id, std::string_view secret) const;
  SecretBytes key_;
};

}  // namespace lazuli::directory
