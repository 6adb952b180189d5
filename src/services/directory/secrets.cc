// SPDX-License-Identifier: Apache-2.0
#include "services/directory/secrets.h"

#include "base/ids.h"
#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace lazuli::directory {
namespace {

constexpr size_t kSecretSize = 40;
constexpr size_t kHintSize = 3;  // what Azure shows of a secret to tell it from others

}  // namespace

// The purpose keeps the name it had before the directory: its hashes are in use.
Secrets::Secrets(core::Vault& vault) : key_(vault.derive("identity.client_secret")) {}

MadeSecret Secrets::make(const Object& holder, const SecretOptions& options) const {
  MadeSecret made;
  made.text = crypto::random_password(kSecretSize);
  std::string_view text = made.text.expose();
  made.kept = {new_uuid(),
               holder.object_id,
               options.name,
               std::string(text.substr(0, kHintSize)),
               hash(holder.app_id.value_or(""), text),
               options.start,
               options.end};
  return made;
}

bool Secrets::matches(const std::vector<std::string>& hashes, const std::string& app_id,
                      const SecretString& secret) const {
  if (secret.empty()) return false;
  std::string wanted = hash(app_id, secret.expose());
  bool known = false;
  for (const std::string& each : hashes) known = equal_constant_time(each, wanted) || known;
  return known;
}

std::string Secrets::hash(const std::string& app_id, std::string_view secret) const {
  std::string message = cat({to_lower(app_id), "\n", secret});
  std::string hash = crypto::hmac_sha256(key_.expose(), message);
  wipe(message.data(), message.size());
  return to_hex(hash);
}

}  // namespace lazuli::directory
