// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "codec/json.h"
#include "core/auth.h"
#include "core/service.h"
#include "services/directory/api.h"
#include "services/identity/key_ring.h"
#include "services/identity/revocations.h"
#include "services/identity/verified_cache.h"

namespace lazuli::identity {

// How the client that asks for a token has proved itself: the claim appidacr.
enum class ClientProof { kNone = 0, kSecret = 1, kAssertion = 2 };

// An access token to be made.
struct Access {
  directory::Principal subject;
  std::string audience;
  std::string resource;   // as it was asked for; empty: the audience
  std::string client_id;  // whose request it is; empty: the subject's own
  ClientProof proof = ClientProof::kSecret;
  std::string scopes;  // of a person's token: "user_impersonation"; empty: an application's own
  std::vector<std::string> roles;  // of the application that the token is for
  int version = 1;                 // of the claims: 1 for Azure's resources
  Duration lifetime = std::chrono::hours(1);
  std::string session;               // the sign-in it comes from, if any
  std::vector<std::string> methods;  // amr: "pwd", "fed"
  std::vector<core::Grant> grants;
  std::string job_id;
  bool knows_claims_challenges = false;  // xms_cc
};

// An ID token to be made.
struct SignedIn {
  directory::Principal user;
  std::string client_id;
  std::string nonce;
  std::string session;
  Timestamp time{};  // of the sign-in
  std::vector<std::string> methods;
  bool adfs = false;
  std::vector<std::string> roles;  // of the client itself
};

// Makes and verifies tokens. Access tokens are JWTs in Azure's v1 or v2 shape, RS256 for clients
// and ES256 for jobs. Thread-safe.
class Tokens final : public core::Authenticator {
 public:
  Tokens(const core::Installation& installation, directory::Directory& directory, KeyRing& keys,
         Revocations& revocations);

  SecretString issue(const Access& access, Timestamp time = now()) const;
  SecretString issue_id_token(const SignedIn& signed_in, Timestamp when = now()) const;

  // Constants: they name no port, so a token survives the server's move to another.
  std::string issuer(int version) const;
  std::string adfs_issuer() const;

  // Authenticator: "Authorization: Bearer …".
  bool present(const http::RequestHead& head) const override;
  Result<core::Verified> verify(const http::RequestHead& head, std::string_view audience) override;
  // Everything: form, signature, times, issuer, tenant, audience, and that key, principal, session,
  // job and token are still good. Repeated calls cost a hash and a look-up.
  Result<std::shared_ptr<const Checked>> check(std::string_view token, std::string_view audience);

 private:
  Result<std::shared_ptr<const Checked>> read(std::string_view token);
  Result<std::shared_ptr<Checked>> read_claims(const Json& header, const Json& claims) const;
  Result<void> check_standing(const Checked& checked) const;
  uint64_t generation() const;

  const core::Installation& installation_;
  directory::Directory& directory_;
  KeyRing& keys_;
  Revocations& revocations_;
  VerifiedCache cache_;
};

// "https://management.x:8443/" → "https://management.x": one server, whatever port it is met on.
std::string plain_audience(std::string_view audience);

// A token's id in Azure's form (22 characters), which also tells when it was made to the
// microsecond: what was revoked within the same second is told apart.
std::string make_uti(Timestamp time);
std::optional<Timestamp> time_of_uti(std::string_view uti);

}  // namespace lazuli::identity
