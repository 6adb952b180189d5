// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "core/auth.h"
#include "core/principal.h"
#include "db/db.h"

namespace lazuli::identity {

struct ServicePrincipal {
  std::string app_id, object_id, name;
};

struct TokenRequest {
  std::string object_id;  // whose identity
  std::string audience;   // "https://management.lazuli.localhost"
  Duration lifetime = std::chrono::hours(1);
  std::vector<core::Grant> grants;  // empty: all that the identity may do
  std::string job_id;               // set: verification also asks that this job still runs
  // Set: the identity must not have been signed out since (kPermissionDenied).
  std::optional<Timestamp> since;
  // Who asks. If their own credential is a narrowed one, the token may not exceed or outlive it.
  const core::Principal* parent = nullptr;
};

// What a job's processes need to ask for tokens of its identity (managed identity).
struct JobIdentity {
  std::string object_id;            // whose identity
  std::string job_id;               // tokens end with it
  std::vector<core::Grant> grants;  // they never exceed this
  Timestamp since{};                // whoever was signed out after it gets none
  Timestamp expires{};
};

// Tokens for other services. Thread-safe.
class Identity {
 public:
  virtual ~Identity() = default;
  // Idempotent by name.
  virtual Result<ServicePrincipal> ensure_service_principal(const std::string& name) = 0;
  // A new client secret of a principal (the plain text is never stored); earlier ones stay valid.
  virtual Result<SecretString> add_secret(const std::string& app_id) = 0;
  virtual Result<SecretString> issue_token(const TokenRequest& request) = 0;
  // Tokens issued for this job, and its credential, are refused from now on.
  virtual Result<void> revoke_job(db::Tx& tx, const std::string& job_id) = 0;
  // The secret with which a job's processes ask the managed identity endpoint
  // ("https://login.{domain}/msi/token": X-IDENTITY-HEADER, or `secret`) for tokens; good for that
  // job alone.
  virtual SecretString job_credential(const JobIdentity& job) = 0;

  // For the chain.
  virtual core::Authenticator& bearer_authenticator() = 0;
};

}  // namespace lazuli::identity
