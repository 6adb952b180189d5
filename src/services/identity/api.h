// SPDX-License-Identifier: Apache-2.0
#pragma once

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
};

// Tokens and principals for other services. Thread-safe.
class Identity {
 public:
  virtual ~Identity() = default;
  // Idempotent by name.
  virtual Result<ServicePrincipal> ensure_service_principal(const std::string& name) = 0;
  // A new client secret of a principal (the plain text is never stored); earlier ones stay valid.
  virtual Result<SecretString> add_secret(const std::string& app_id) = 0;
  virtual Result<SecretString> issue_token(const TokenRequest& request) = 0;
  // Tokens issued for this job are refused from now on.
  virtual Result<void> revoke_job(db::Tx& tx, const std::string& job_id) = 0;

  // For the chain.
  virtual core::Authenticator& bearer_authenticator() = 0;
  // Verifies a raw token against an audience (the x-azureml-token header).
  virtual Result<core::Verified> verify_token(std::string_view token,
                                              std::string_view audience) = 0;
};

}  // namespace lazuli::identity
