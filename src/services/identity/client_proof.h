// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "services/identity/client_apps.h"
#include "services/identity/foreign_keys.h"
#include "services/identity/oauth.h"
#include "services/identity/tokens.h"

namespace lazuli::identity {

// The client of a token request, as proved.
struct ProvenClient {
  ClientApp app;
  ClientProof proof = ClientProof::kNone;
  // Its own identity; none for built-in clients, or where an application has no service principal.
  std::optional<directory::Principal> principal;
};

// Finds out who sends a token request: by client secret (body or Basic), by an assertion signed
// with a registered certificate (RFC 7523), or by another issuer's token that the application
// trusts (workload identity federation); public clients by their id alone.
// Source: https://learn.microsoft.com/entra/identity-platform/certificate-credentials
class ClientProver {
 public:
  ClientProver(const core::Installation& installation, directory::Directory& directory,
               Tokens& tokens, ForeignIssuers& issuers, db::Database::Handle handle)
      : installation_(installation),
        directory_(directory),
        tokens_(tokens),
        issuers_(issuers),
        handle_(std::move(handle)) {}

  Result<ProvenClient> prove(const Context& context, const Fields& form);

 private:
  Result<void> prove_secret(const std::string& app_id, const SecretString& secret);
  Result<std::string> prove_assertion(const Fields& form, std::string_view client_id);
  Result<void> prove_certificate(const std::string& app_id, const std::string& assertion,
                                 const Fields& form);
  Result<void> prove_federation(const std::string& app_id, const crypto::Jwt& claimed,
                                const std::string& assertion);
  Result<void> prove_own(const std::string& assertion, const std::vector<std::string>& audiences);
  Result<void> prove_foreign(const std::string& issuer, const crypto::Jwt& claimed,
                             const std::string& assertion,
                             const std::vector<std::string>& audiences);
  Result<crypto::Jwt> verify_foreign(const std::string& issuer, const crypto::Jwt& claimed,
                                     const std::string& assertion);
  Result<void> use_once(const std::string& app_id, const Json& claims, const Fields& form);

  const core::Installation& installation_;
  directory::Directory& directory_;
  Tokens& tokens_;
  ForeignIssuers& issuers_;
  db::Database::Handle handle_;
};

}  // namespace lazuli::identity
