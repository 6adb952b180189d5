// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "codec/json.h"
#include "core/vault.h"
#include "db/db.h"
#include "services/directory/api.h"
#include "services/directory/changes.h"
#include "services/directory/model.h"

namespace lazuli::directory {

// External OpenID Connect providers, and whose account with them is whose here. Thread-safe.
class ExternalAccounts {
 public:
  ExternalAccounts(db::Database::Handle handle, core::Vault& vault, Changes& changes)
      : handle_(std::move(handle)), vault_(vault), changes_(changes) {}

  Result<std::vector<IdentityProvider>> providers();
  // kConflict where the issuer is known already.
  Result<IdentityProvider> add_provider(const IdentityProvider& wanted,
                                        const SecretString& client_secret);
  // kNotFound where there is none.
  Result<void> remove_provider(const std::string& provider_id);
  Result<SecretString> provider_secret(const std::string& provider_id);

  Result<ExternalAnswer> person(const IdentityProvider& provider, const ExternalAccount& account);

 private:
  Result<ExternalAnswer> adopt(db::Tx& tx, const IdentityProvider& provider,
                               const ExternalAccount& account);

  db::Database::Handle handle_;
  core::Vault& vault_;
  Changes& changes_;
};

// Graph's `identities` of a user: the user principal name, and the linked accounts.
// Source: https://learn.microsoft.com/graph/api/resources/objectidentity
Result<Json> identities_json(db::Executor& db, const Object& user, const std::string& domain);
// Replaces the linked accounts by those written. Whoever loses one is signed out.
Result<void> write_identities(db::Tx& tx, const Object& user, const Json& identities);
// Whether `identities` link an account: such a user needs no password.
bool links_account(const Json& identities);

}  // namespace lazuli::directory
